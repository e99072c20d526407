package main

import (
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
)

// key is something that can be set: in the config file under its path, or by
// an environment variable.
type key struct {
	path string
	value
}

// variable is the name of the environment variable that overrides the key.
func (k *key) variable() string {
	if k.env != nil {
		return k.env()
	}
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

const envPrefix = "AGGREGATOR_"

// keysOf are all keys of a config, in the order of the example file.
func keysOf(c *config, w *written) []key {
	keys := append(kafkaKeys(c, w), redisKeys(c, w)...)
	keys = append(keys, ownKeys(c, w)...)
	keys = append(keys, tlsKeys("kafka.tls", &w.kafkaTLS)...)
	return append(keys, tlsKeys("redis.tls", &w.redisTLS)...)
}

func kafkaKeys(c *config, w *written) []key {
	return []key{
		{"kafka.brokers", list(&c.kafka.Brokers, address)},
		{"kafka.group", name(&c.kafka.Group)},
		{"kafka.events", list(&c.kafka.Events, topic)},
		{"kafka.crossings", checked(&c.kafka.Crossings, topic)},
		{"kafka.shadow", checked(&c.kafka.Shadow, orNone(topic))},
		{"kafka.dead_letters", checked(&c.kafka.DeadLetters, orNone(topic))},
		{"kafka.start", beginning(&c.kafka.Start)},
		{"kafka.client_id", name(&c.kafka.ClientID)},
		{"kafka.fetch_bytes", size(&c.kafka.SetBytes, 64<<10, 64<<20)},
		{"kafka.sasl.mechanism", choice(&w.sasl.mechanism, "", "plain", "scram-sha-256", "scram-sha-512")},
		{"kafka.sasl.username", text(&w.sasl.username)},
		{"kafka.sasl.password", secretText(&w.sasl.password)},
		{"kafka.sasl.password_file", secretFile(&w.sasl.password)},
	}
}

func redisKeys(c *config, w *written) []key {
	return []key{
		{"redis.addrs", list(&c.redis.Addrs, address)},
		{"redis.master_name", text(&c.redis.MasterName)},
		{"redis.cluster", toggle(&c.redis.Cluster)},
		{"redis.username", text(&c.redis.Username)},
		{"redis.password", secretText(&w.password)},
		{"redis.password_file", secretFile(&w.password)},
		{"redis.sentinel_username", text(&c.redis.SentinelUsername)},
		{"redis.sentinel_password", secretText(&w.sentinel)},
		{"redis.sentinel_password_file", secretFile(&w.sentinel)},
		{"redis.db", whole(&c.redis.DB, 0, 1_000_000)},
		{"redis.prefix", name(&c.redis.Prefix)},
		{"redis.shards", whole(&c.shards, 0, 1_024)},
		{"redis.lost", choice(&c.lost, "recount", "refuse")},
	}
}

// ownKeys are those of what is neither of the servers.
func ownKeys(c *config, w *written) []key {
	return []key{
		{"rules.packs", list(&c.packs, builtinPack)},
		{"rules.files", packPaths(&c.files)},
		{"rules.tests", choice(&c.tests, "refuse", "warn")},
		{"rules.poll", duration(&c.poll, 0, day)},

		{"http.listen", checked(&c.listen, listenAddress)},
		{"http.token", secretText(&w.token)},
		{"http.token_file", secretFile(&w.token)},
		{"http.external_url", checked(&c.auth.ExternalURL, httpserver.CheckExternalURL)},
		{"http.hosts", list(&c.auth.Hosts, httpserver.CheckHost)},
		{"http.crossings", whole(&c.crossings, 1, 1_000_000)},
		{"http.reload", toggle(&c.reload)},
		{"http.debug", toggle(&c.auth.Debug)},

		{"log.level", choice(&c.logLevel, "debug", "info", "warn", "error")},
		{"log.format", choice(&c.logFormat, "auto", "json", "text")},

		{"commit.max_age", duration(&c.maxAge, 10*time.Millisecond, time.Minute)},
		{"commit.max_events", whole(&c.maxEvents, 0, 1_000_000)},
		{"cache_bytes", size(&c.cache, 1<<20, 64<<30)},
		{"index.max", whole(&c.listMost, 0, 100_000_000)},
		{"max_ahead", duration(&c.intake.MaxAhead, time.Second, 366*day)},
		{"max_members", whole(&c.members, 1, 100_000_000)},
		{"dedupe.window", duration(&c.intake.DedupeWindow, time.Second, 7*day)},
		{"dedupe.max_ids", whole(&c.intake.MaxIDs, 1_000, 100_000_000)},
		{"cloudevents.types", pairs(&c.intake.Types)},
		{"cloudevents.crossings", choice(&w.form, "binary", "structured")},
		{"privacy.key_file", filePath(&w.keyFile)},
		{"retention.events", duration(&c.retention.Events, 0, mostRetention)},
		{"retention.crossings", duration(&c.retention.Crossings, 0, mostRetention)},

		{"canary.every", duration(&c.canaryEvery, 0, day)},
		{"canary.topic", checked(&w.canary, topic)},
	}
}

func tlsKeys(section string, t *tlsFiles) []key {
	return []key{
		{section + ".enabled", toggle(&t.enabled)},
		{section + ".ca_file", filePath(&t.ca)},
		{section + ".cert_file", filePath(&t.cert)},
		{section + ".key_file", filePath(&t.key)},
		{section + ".server_name", text(&t.serverName)},
	}
}
