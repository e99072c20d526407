package main

import (
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/preflight"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// check finds what is wrong with keys taken together, reads the files that
// they name, and finishes the config.
func (r *configReader) check() {
	c, w := r.c, r.w
	c.kafka.Structured = w.form == "structured"
	r.checkNeeded()
	r.checkTopics()
	r.checkRetention()
	r.checkCanary()
	r.checkLogin()
	r.checkRedis()
	r.checkToken()
	r.checkTLS("kafka.tls", &w.kafkaTLS)
	r.checkTLS("redis.tls", &w.redisTLS)
	r.checkSinks()
	if w.keyFile != "" {
		key, err := readKey(w.keyFile)
		if err != nil {
			r.fault("privacy.key_file", "%v", err)
		}
		c.key = key
	}
	if !r.yaml.Failed() && len(r.others) == 0 {
		r.checkDoors()
	}
}

func (r *configReader) checkNeeded() {
	if len(r.c.kafka.Brokers) == 0 {
		r.fault("kafka.brokers", "there must be at least one broker")
	}
	if len(r.c.kafka.Events) == 0 {
		r.fault("kafka.events", "there must be at least one topic")
	}
	if len(r.c.packs)+len(r.c.files) == 0 {
		r.fault("rules.packs", "there is no pack of rules; name a built-in one, or files under rules.files")
	}
	for name, to := range r.c.intake.Types {
		if len(to) > 64 {
			r.fault("cloudevents.types", "%q becomes a type of more than 64 bytes, which no event may have", name)
		}
		if to == thresholds.CanaryType {
			r.fault("cloudevents.types", "%q becomes %q, the type of the events that the service sends to itself; map it to another type", name, to)
		}
	}
}

// checkTopics finds topics that would be read and written.
func (r *configReader) checkTopics() {
	k := &r.c.kafka
	if slices.Contains(k.Events, k.Crossings) {
		r.fault("kafka.crossings", "%q is one of kafka.events: crossings would be read as events", k.Crossings)
	}
	for _, t := range k.Events {
		if dead := k.DeadTopic(t); slices.Contains(k.Events, dead) {
			r.fault("kafka.dead_letters", "%q is one of kafka.events: dead letters would be read again for ever", dead)
		} else if dead == k.Crossings {
			r.fault("kafka.dead_letters", "%q is kafka.crossings: give dead letters a topic of their own", dead)
		}
	}
	others := *k
	others.Shadow, others.Canary = "", ""
	if k.Shadow != "" && slices.Contains(others.Topics(), k.Shadow) {
		r.fault("kafka.shadow", "%q is a topic of events, of dead letters or of crossings; give crossings of shadow rules a topic of their own", k.Shadow)
	}
}

// checkRetention finds a retention that cannot be meant.
func (r *configReader) checkRetention() {
	if kept, dedupe := r.c.retention.Events, r.c.intake.DedupeWindow; kept > 0 && kept <= dedupe {
		r.fault("retention.events", "%s is not longer than dedupe.window, %s: a start reads that much of the log again", humanize.Duration(kept), humanize.Duration(dedupe))
	}
}

// canaryLeast is the shortest time between two canaries of a partition.
const canaryLeast = time.Second

// checkCanary makes the topic of canaries one of Kafka's, if any are sent.
func (r *configReader) checkCanary() {
	c, k, topic := r.c, &r.c.kafka, r.w.canary
	if c.canaryEvery == 0 {
		return
	}
	if c.canaryEvery < canaryLeast {
		r.fault("canary.every", "%s is too short; write %s or more, or 0s for no canaries", humanize.Duration(c.canaryEvery), humanize.Duration(canaryLeast))
	}
	if slices.Contains(k.Topics(), topic) {
		r.fault("canary.topic", "%q is a topic of events, of dead letters, of crossings or of those of shadow rules; give canaries a topic of their own", topic)
		return
	}
	k.Canary = topic
}

// checkLogin reads Kafka's password.
func (r *configReader) checkLogin() {
	s := &r.w.sasl
	password := r.secret("kafka.sasl.password", &s.password)
	for _, k := range []string{"username", "password", "password_file"} {
		if path := "kafka.sasl." + k; s.mechanism == "" && r.isSet(path) && *s != (saslConfig{}) {
			r.fault(path, "without kafka.sasl.mechanism nobody logs in; set it to plain, scram-sha-256 or scram-sha-512")
			return
		}
	}
	if s.mechanism == "" {
		return
	}
	if s.username == "" || s.password == (secret{}) {
		r.fault("kafka.sasl.mechanism", "%s needs kafka.sasl.username and kafka.sasl.password (or password_file)", s.mechanism)
		return
	}
	r.c.login = preflight.Login{Mechanism: s.mechanism, Username: s.username, Password: password}
	var err error
	if r.c.kafka.SASL, err = method(&r.c.login); err != nil {
		r.fault("kafka.sasl.username", "%v", err)
	}
}

// checkRedis reads Redis' passwords, and notes what the store itself finds wrong.
func (r *configReader) checkRedis() {
	o := &r.c.redis
	o.Password = r.secret("redis.password", &r.w.password)
	o.SentinelPassword = r.secret("redis.sentinel_password", &r.w.sentinel)
	if r.c.shards == 0 {
		r.c.shards = stream.DefaultShards
		if o.MasterName == "" && (o.Cluster || len(o.Addrs) > 1) {
			r.c.shards = clusterShards
		}
	}
	if o.MasterName == "" && (o.SentinelUsername != "" || o.SentinelPassword != "") {
		r.fault("redis.sentinel_password", "without redis.master_name there are no Sentinels to log in at")
	}
	for _, fault := range o.Faults() {
		if fault.Path == "redis.addrs" && len(o.Addrs) > 0 {
			continue // each was checked as it was read
		}
		r.fault(fault.Path, "%s", fault.Message)
	}
}

// checkToken reads the token that HTTP asks for.
func (r *configReader) checkToken() {
	r.c.auth.Token = r.secret("http.token", &r.w.token)
	path := "http.token"
	if r.w.token.file != "" {
		path += "_file"
	}
	if err := httpserver.CheckToken(r.c.auth.Token); err != nil {
		r.fault(path, "%v", err)
	}
}

// secret reads the secret at path, whose file's key is path_file.
func (r *configReader) secret(path string, s *secret) string {
	text, err := s.read()
	if err != nil {
		r.fault(path+"_file", "%v", err)
	}
	return text
}

func (r *configReader) checkTLS(section string, t *tlsFiles) {
	if !t.enabled {
		for _, k := range tlsKeys(section, t)[1:] {
			if off := (tlsFiles{}); *t != off && r.isSet(k.path) {
				r.fault(k.path, "it has no effect while %s.enabled is false: the connection would not be encrypted", section)
				return
			}
		}
		return
	}
	if (t.cert == "") != (t.key == "") {
		r.fault(section+".cert_file", "a certificate needs its key: set both %s.cert_file and %s.key_file, or neither", section, section)
		return
	}
	c, key, err := t.config()
	if err != nil {
		r.fault(section+"."+key, "%v", err)
		return
	}
	if section == "kafka.tls" {
		r.c.kafka.TLS = c
	} else {
		r.c.redis.TLS = c
	}
}
