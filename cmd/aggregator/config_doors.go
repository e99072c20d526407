package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// warn notes a setting of a key that is allowed, and riskier than it looks.
func (r *configReader) warn(path, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	at := r.origins[path]
	switch {
	case at.variable != "":
		r.c.warnings = append(r.c.warnings, "env "+at.variable+": warning: "+message)
	case at.line > 0:
		f := strictyaml.Fault{File: r.file, Line: at.line, Column: at.column, Path: path, Message: message, Warning: true}
		r.c.warnings = append(r.c.warnings, f.String())
	default: // it is the default that matters
		r.c.warnings = append(r.c.warnings, "config: "+path+": warning: "+message)
	}
}

// checkDoors warns of what is open to more people than it need be.
func (r *configReader) checkDoors() {
	c := r.c
	if c.auth.Token == "" && !onlyThisMachine(c.listen) {
		r.warn("http.listen", "whoever reaches %s can read what is counted and the metrics; set http.token_file, or listen at 127.0.0.1", c.listen)
	}
	if c.auth.Token == "" && c.auth.Debug {
		r.warn("http.debug", "whoever reaches %s can take profiles, which show how the program is built and cost time; set http.token_file, or http.debug to false", c.listen)
	}
	if far := firstFar(c.kafka.Brokers); c.kafka.SASL != nil && !r.w.kafkaTLS.enabled && far != "" {
		r.warn("kafka.sasl.mechanism", "without TLS the network between here and %s sees %s; set kafka.tls.enabled", far, seenOf(c.login.Mechanism))
	}
	if far := firstFar(c.redis.Addrs); !r.w.redisTLS.enabled && far != "" {
		for _, s := range []struct{ path, text string }{{"redis.password", c.redis.Password}, {"redis.sentinel_password", c.redis.SentinelPassword}} {
			if s.text != "" {
				r.warn(r.setPath(s.path, s.path+"_file"), "without TLS the network between here and %s sees the password; set redis.tls.enabled", far)
			}
		}
	}
	r.checkModes()
}

// seenOf is what of a login is seen on the wire. With SCRAM a false server gets a proof, by as many
// iterations as it likes: with one, a password is soon guessed from it.
func seenOf(mechanism string) string {
	if mechanism == "plain" {
		return "the password"
	}
	return "a proof from which the password can be guessed (SCRAM is safe only with TLS)"
}

// setPath is the first of some paths that was set.
func (r *configReader) setPath(paths ...string) string {
	if i := slices.IndexFunc(paths, r.isSet); i >= 0 {
		return paths[i]
	}
	return paths[0]
}

// onlyThisMachine reports whether only this machine reaches an address. A name of which nothing is
// known may lead anywhere.
func onlyThisMachine(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && httpserver.IsLoopbackName(strings.TrimSuffix(host, "."))
}

// firstFar is the first of some addresses that is not of this machine; "" if there is none.
func firstFar(addrs []string) string {
	for _, a := range addrs {
		if !onlyThisMachine(a) {
			return a
		}
	}
	return ""
}

// checkModes checks who may read the files that hold secrets, also the config itself if it holds
// any.
func (r *configReader) checkModes() {
	w := r.w
	for _, f := range []struct {
		path, name string
		in         bool // the secret stands in the config file
	}{
		{"kafka.sasl.password_file", w.sasl.password.file, false},
		{"kafka.tls.key_file", w.kafkaTLS.key, false},
		{"redis.password_file", w.password.file, false},
		{"redis.sentinel_password_file", w.sentinel.file, false},
		{"redis.tls.key_file", w.redisTLS.key, false},
		{"http.token_file", w.token.file, false},
		{"privacy.key_file", w.keyFile, false},
		{"kafka.sasl.password", r.file, r.inFile("kafka.sasl.password", w.sasl.password)},
		{"redis.password", r.file, r.inFile("redis.password", w.password)},
		{"redis.sentinel_password", r.file, r.inFile("redis.sentinel_password", w.sentinel)},
		{"http.token", r.file, r.inFile("http.token", w.token)},
	} {
		if f.name == "" || strings.HasSuffix(f.path, "_file") == f.in {
			continue
		}
		r.checkMode(f.path, f.name)
	}
}

// checkMode checks who may read a file that holds a secret.
func (r *configReader) checkMode(path, name string) {
	info, err := os.Stat(name) // that it cannot be read is a fault, found elsewhere
	if who := readers(info); err == nil && who != "" {
		r.warn(path, "%s may be read by %s; chmod 600 %s", name, who, name)
	}
}

// inFile reports whether a secret stands in the config file itself.
func (r *configReader) inFile(path string, s secret) bool {
	return s.text != "" && r.origins[path].line > 0
}

// shortWindows warns of rules whose window one event ahead of time can empty. Once it is counted,
// present events are late by up to max_ahead. That leaves nothing of a window that is no longer,
// and little of a window that hardly is.
func shortWindows(c *config, packs []*thresholds.Pack) (warnings []string) {
	for _, p := range packs {
		for _, rule := range p.Rules {
			if w := rule.Window; w == 0 || w >= 2*int64(c.intake.MaxAhead.Seconds()) {
				continue
			}
			remedy := "lengthen the window"
			if rule.Window >= 2 {
				remedy = "lower max_ahead to " + shortSeconds(rule.Window/2) + ", or " + remedy
			}
			warnings = append(warnings, rule.Warning("window", fmt.Sprintf(
				"of rule %s: %s is less than twice max_ahead (%s), so that one event whose clock is ahead makes present ones late; %s",
				rule.ID, rule.WindowText, humanize.Duration(c.intake.MaxAhead), remedy)).String())
		}
	}
	return warnings
}
