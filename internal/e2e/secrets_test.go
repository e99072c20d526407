package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// shown is all that a program shows of itself, by where.
type shown map[string]string

// holdsNone looks for texts that must not be shown, also as base64 and hexadecimal digits.
func (s shown) holdsNone(t *testing.T, texts ...string) {
	t.Helper()
	for _, where := range slices.Sorted(maps.Keys(s)) {
		for _, text := range texts {
			for _, form := range []string{text, base64.StdEncoding.EncodeToString([]byte(text)), hex.EncodeToString([]byte(text))} {
				if at := strings.Index(s[where], form); at >= 0 {
					t.Errorf("%s shows %q: ...%s...", where, form, s[where][max(0, at-200):min(len(s[where]), at+len(form)+50)])
				}
			}
		}
	}
}

// result adds what a command printed.
func (s shown) result(name string, r result) { s[name+": stdout"], s[name+": stderr"] = r.out, r.err }

// daemon adds the log of a daemon, its command line, and what its HTTP server answers, with and without the token.
func (s shown) daemon(t *testing.T, d *daemon, token string) {
	t.Helper()
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", d.PID()))
	if err != nil {
		t.Fatal(err)
	}
	s[d.Name+": ps"] = string(cmdline)
	for _, path := range []string{
		"/", "/livez", "/healthz", "/readyz", "/readyz?verbose", "/metrics", "/nowhere", "/debug/pprof/", "/debug/pprof/cmdline",
		"/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/debug/pprof/allocs", "/debug/pprof/symbol",
	} {
		_, s[d.Name+": "+path] = d.Get(path)
		_, s[d.Name+": "+path+" with the token"] = d.GetAs(path, token)
	}
	s[d.Name+": log"] = d.Log.String()
}

// secretSite is what the tests of secrets use, and all their secrets.
type secretSite struct {
	*guarded
	fine    []string // variables with which it runs
	secrets []string
}

const (
	httpToken = "t0ken.of+the/test=="
	guess     = "gue55-secret"
	sentinel  = "sent1nel-secret"
)

func (g *guarded) withSecrets(t *testing.T) *secretSite {
	t.Helper()
	s := &secretSite{guarded: g, secrets: []string{plainPassword, scramPassword, redisPassword, privacyKey, httpToken, guess, sentinel}}
	private, err := os.ReadFile(g.own.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.secrets = append(s.secrets, strings.Split(string(private), "\n")[1])
	s.fine = slices.Concat(kafkaLogin(g, "scram-sha-512", "scrammer", scramPassword), g.redisFine(), []string{
		"AGGREGATOR_KAFKA_TLS_CERT_FILE=" + g.own.Cert, "AGGREGATOR_KAFKA_TLS_KEY_FILE=" + g.own.Key,
		"AGGREGATOR_HTTP_TOKEN=" + httpToken, "AGGREGATOR_HTTP_DEBUG=true", "AGGREGATOR_LOG_LEVEL=debug",
	})
	return s
}

// fromFiles are the same variables, but passwords and the token come from files.
func (s *secretSite) fromFiles(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, v := range s.fine {
		name, text, _ := strings.Cut(v, "=")
		if strings.HasSuffix(name, "PASSWORD") || strings.HasSuffix(name, "TOKEN") {
			name, text = name+"_FILE", servers.WriteFile(t, "secret", text+"\n")
		}
		list = append(list, name+"="+text)
	}
	return list
}

// keepsSecrets: nothing that the program shows holds a secret, whatever fails.
func (g *guarded) keepsSecrets(t *testing.T) {
	s, seen := g.withSecrets(t), shown{}
	for i, environ := range [][]string{s.fine, s.fromFiles(t)} {
		seen.result(fmt.Sprint("check ", i), call(t, "", environ, "check", "-config", g.config, "-live"))
		d := s.startWithoutRedis(t, fmt.Sprint("run ", i), environ)
		seen.daemon(t, d, httpToken)
		s.store.Resume()
		d.Stop()
	}
	for name, environ := range map[string][]string{
		"wrong Kafka password": kafkaLogin(g, "plain", "aggregator", guess),
		"wrong SCRAM password": kafkaLogin(g, "scram-sha-512", "scrammer", guess),
		"wrong Redis password": redisLogin("aggregator", guess),
		"bad token":            {"AGGREGATOR_HTTP_TOKEN=" + guess + " "},
		"no Sentinel":          {"AGGREGATOR_REDIS_SENTINEL_PASSWORD=" + sentinel},
		"URL":                  {"AGGREGATOR_REDIS_ADDRS=redis://:" + guess + "@127.0.0.1:6379"},
		"user in an address":   {"AGGREGATOR_REDIS_ADDRS=" + guess + "@127.0.0.1:6379", "AGGREGATOR_KAFKA_BROKERS=x:" + guess + "@127.0.0.1:9092"},
		"no mechanism":         {"AGGREGATOR_KAFKA_SASL_MECHANISM=", "AGGREGATOR_KAFKA_SASL_PASSWORD=" + guess},
	} {
		environ = append(slices.Clone(s.fine), environ...)
		seen.result(name+": check", call(t, "", environ, "check", "-config", g.config, "-live"))
		r := call(t, "", environ, "run", "-config", g.config) // it ends by itself
		if r.code == exitFine {
			t.Errorf("%s: it ran", name)
		}
		seen.result(name+": run", r)
	}
	for _, text := range []string{
		"redis: {password: [%s]}", "redis: {password: {text: %s}}", "redis: {pasword: %s}", "redis: {password:%s}", "redis: {password: *%s}",
		"redis: {password: &%s}", "redis: {password: !%s x}", "redis: {password: !x %s}", "redis: {password: %s", "redis:\n  password: %s: x",
		"redis: {addrs: \"redis://:%s@h:6379\"}", "redis: {addrs: [\"redis://:%s@h:6379\"]}", "redis: %s", "kafka: {sasl: %s}",
		"http: {token: %s}", "http: {token: [%s]}", "kafka: {sasl: {mechanism: plain, password: %s}}", "kafka: {sasl: {password: %s, password_file: x}}",
		"redis: {password: \"%s\n  \\q\"}", "redis: {sentinel_password: %s}",
	} {
		r := call(t, "", nil, "check", "-config", servers.WriteFile(t, "c.yaml", fmt.Sprintf(text, guess)))
		if r.code != exitUsage {
			t.Errorf("%s: got %+v", text, r)
		}
		seen.result(text, r)
	}
	seen.holdsNone(t, s.secrets...)
}

// startWithoutRedis is a daemon that has worked, and now misses Redis.
func (s *secretSite) startWithoutRedis(t *testing.T, name string, environ []string) *daemon {
	t.Helper()
	d := startDaemon(t, name, s.config, environ...)
	d.mayLogErrors = true
	d.AwaitReady()
	s.send(t, "secret-"+name[len(name)-1:])
	s.arrived(t, "secret-"+name[len(name)-1:])
	s.store.Pause()
	t.Cleanup(s.store.Resume)
	d.Log.Await(t, waitLimit, "complaint", func(log string) bool { return len(complaints(log)) > 0 })
	return d
}
