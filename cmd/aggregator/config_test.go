package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"go.yaml.in/yaml/v4"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

const example = "aggregator.example.yaml"

// load reads a config, which must be without faults.
func load(t *testing.T, file string, environ ...string) *config {
	t.Helper()
	s := &session{err: t.Output(), environ: environ}
	c, bad := s.loadConfig(file)
	if len(bad) > 0 {
		t.Fatalf("%s: %v", file, bad)
	}
	return c
}

// TestExample: the example file has every key, each with its default and
// with a comment.
func TestExample(t *testing.T) {
	got, want := load(t, example), load(t, "")
	if got.given, want.given = nil, nil; !reflect.DeepEqual(got, want) {
		t.Errorf("the example is\n%+v\nthe defaults are\n%+v", got, want)
	}
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Load(data, &root); err != nil {
		t.Fatal(err)
	}
	commented := map[string]bool{}
	comments(root.Content[0], "", commented)
	for _, k := range keysOf(defaultConfig(), defaultWritten()) {
		has, there := commented[k.path]
		if !there || !has {
			t.Errorf("%s: there %v, with a comment %v", k.path, there, has)
		}
	}
}

// comments notes for each key whether it has a comment.
func comments(n *yaml.Node, prefix string, found map[string]bool) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		path := strictyaml.Join(prefix, k.Value)
		found[path] = k.HeadComment != ""
		if v.Kind == yaml.MappingNode {
			comments(v, path, found)
		}
	}
}

// TestKeys: no two keys share a path or a variable, and no key is a section.
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	keys := keysOf(defaultConfig(), defaultWritten())
	for _, k := range keys {
		if seen[k.path] || seen[k.variable()] {
			t.Errorf("%s or %s is there twice", k.path, k.variable())
		}
		seen[k.path], seen[k.variable()] = true, true
		if k.want == "" || k.set == nil {
			t.Errorf("%s cannot be set", k.path)
		}
		for _, other := range keys {
			if strings.HasPrefix(other.path, k.path+".") {
				t.Errorf("%s is a key and a section", k.path)
			}
		}
	}
}

// TestFaults runs the scripts of configs with faults: `check` and the YAML, and what is wrong with it.
// Arguments are environment variables, without their prefix.
func TestFaults(t *testing.T) {
	datadriven.RunTest(t, "testdata/config", func(t *testing.T, d *datadriven.TestData) string {
		file := servers.WriteFile(t, "c.yaml", d.Input)
		var warned strings.Builder
		s := &session{err: &warned}
		for _, a := range d.CmdArgs {
			s.environ = append(s.environ, envPrefix+a.Key+"="+strings.Join(a.Vals, ","))
		}
		_, bad := s.loadConfig(file)
		out := warned.String() + bad.Error()
		if len(bad) == 0 {
			out += "fine"
		}
		return strings.ReplaceAll(strings.ReplaceAll(out, file, "c.yaml"), filepath.Dir(file)+"/", "") + "\n"
	})
}

// TestConfigForms: keys are set to what is written, from the file and from variables.
func TestConfigForms(t *testing.T) {
	text := `
kafka: {brokers: ["a:1", "b:2"], events: [x, y.z], start: latest, fetch_bytes: 64KiB, dead_letters: dead}
redis: {addrs: ["a:1", "b:2"], db: 0, lost: refuse, prefix: "p:"}
rules: {packs: [cn-2019-15-after-order]}
commit: {max_age: 500ms, max_events: 1_000}
cache_bytes: 2GiB
max_ahead: 2d12h
max_members: 10_000
dedupe: {window: 1d}
cloudevents: {types: {com.example.click: click}, crossings: structured}
`
	c := load(t, servers.WriteFile(t, "c.yaml", text))
	f := func(got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	f(c.kafka.Brokers, []string{"a:1", "b:2"})
	f(c.kafka.Events, []string{"x", "y.z"})
	f(c.kafka.DeadTopic("x"), "dead")
	f(c.kafka.Start, partition.Start{Latest: true})
	f(c.kafka.Structured, true)
	f(c.kafka.SetBytes, 64<<10)
	f(c.redis.Prefix, "p:")
	f(c.shards, clusterShards)
	f(c.packs, []string{"cn-2019-15-after-order"})
	f(c.maxAge, 500*time.Millisecond)
	f(c.maxEvents, 1_000)
	f(c.cache, 2<<30)
	f(c.intake.MaxAhead, 60*time.Hour)
	f(c.members, 10_000)
	f(c.intake.DedupeWindow, day)
	f(c.intake.Types, map[string]string{"com.example.click": "click"})
	f(c.options(nil, nil, nil, nil).RefuseLost, true)

	c = load(t, servers.WriteFile(t, "c.yaml", text),
		"AGGREGATOR_KAFKA_BROKERS=c:3, d:4", "AGGREGATOR_REDIS_ADDRS=c:3", "AGGREGATOR_RULES_PACKS=cn-2019-15",
		"AGGREGATOR_CLOUDEVENTS_TYPES=a=click,b=view", "AGGREGATOR_MAX_AHEAD=1m", "AGGREGATOR_REDIS_CLUSTER=false", "HOME=/x")
	f(c.kafka.Brokers, []string{"c:3", "d:4"})
	f(c.kafka.Events, []string{"x", "y.z"})
	f(c.shards, 16)
	f(c.packs, []string{"cn-2019-15"})
	f(c.intake.Types, map[string]string{"a": "click", "b": "view"})
	f(c.intake.MaxAhead, time.Minute)
}

// TestStart: where a new group begins.
func TestStart(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	f := func(text string, want partition.Start, fault string) {
		t.Helper()
		got, err := parseStart(text, now)
		if got != want || (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: got %+v, %v, want %+v, %s", text, got, err, want, fault)
		}
	}
	f("earliest", partition.Start{}, "")
	f("latest", partition.Start{Latest: true}, "")
	f("24h", partition.Start{Back: 24 * time.Hour}, "")
	f("2d12h", partition.Start{Back: 60 * time.Hour}, "")
	f("2026-11-29T12:00:00Z", partition.Start{Time: now}, "")
	f("2026-11-29T12:00:01Z", partition.Start{}, "still to come")
	for _, text := range []string{"", "0s", "-1h", "2026-11-01", "2026-11-01 00:00:00", "24", "106751d24h"} {
		f(text, partition.Start{}, "is not earliest, latest, a time as 2026-11-01T00:00:00Z or a duration back as 24h")
	}
	f("lastest", partition.Start{}, `did you mean "latest"?`)
	f("24", partition.Start{}, "it has no unit: write 24s for seconds")
	c := load(t, servers.WriteFile(t, "c.yaml", "kafka: {start: 2026-11-01T00:00:00+08:00}")) // which is a date to YAML
	if !c.kafka.Start.Time.Equal(time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("from YAML: %+v", c.kafka.Start)
	}
}

// TestEveryVariable: every key can be set by its variable.
func TestEveryVariable(t *testing.T) {
	file := servers.WriteFile(t, "secret", "0123456789abcdef0123456789abcdef\n")
	values := map[string]string{
		"kafka.start": "latest", "kafka.sasl.mechanism": "", "redis.lost": "refuse", "rules.tests": "warn", "rules.packs": "cn-2019-15-after-order",
		"http.listen": ":1", "http.external_url": "https://x", "log.level": "debug", "log.format": "json", "commit.max_age": "2s", "max_ahead": "1m", "dedupe.window": "1m",
		"cloudevents.types": "a=b", "cloudevents.crossings": "structured", "kafka.fetch_bytes": "2MiB", "cache_bytes": "2MiB",
		"redis.cluster": "true", "http.debug": "true", "kafka.tls.enabled": "true", "redis.tls.enabled": "true", "rules.files": file, "privacy.key_file": file,
		"kafka.brokers": "x:1", "redis.addrs": "x:1", "dedupe.max_ids": "2000", "canary.every": "7s", "retention.events": "40d", "retention.crossings": "7d",
	}
	unset := newConfigReader("")
	_, _ = unset.finish(&session{err: t.Output()})
	for _, k := range keysOf(defaultConfig(), defaultWritten()) {
		text, ok := values[k.path]
		if !ok {
			text = "7"
		}
		r := newConfigReader("")
		_, _ = r.finish(&session{err: t.Output(), environ: []string{k.variable() + "=" + text}}) // some keys are wrong without others
		if text != "" && reflect.DeepEqual(r.c, unset.c) && reflect.DeepEqual(r.w, unset.w) {
			t.Errorf("%s=%s changes nothing", k.variable(), text)
		}
	}
}

func TestSecrets(t *testing.T) {
	secret := servers.WriteFile(t, "secret", "from the file\n")
	text := "redis: {password_file: " + secret + "}\nkafka: {sasl: {mechanism: plain, username: u, password: p}}\n"
	f := func(want string, environ ...string) {
		t.Helper()
		if got := load(t, servers.WriteFile(t, "c.yaml", text), environ...).redis.Password; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("from the file")
	f("from the environment", "AGGREGATOR_REDIS_PASSWORD=from the environment")
	f("other", "AGGREGATOR_REDIS_PASSWORD_FILE="+servers.WriteFile(t, "other", "other\r\n"))
	if c := load(t, servers.WriteFile(t, "c.yaml", text)); c.kafka.SASL == nil || c.kafka.SASL.Name() != "PLAIN" {
		t.Errorf("got %v", c.kafka.SASL)
	}
	for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
		c := load(t, servers.WriteFile(t, "c.yaml", text), "AGGREGATOR_KAFKA_SASL_MECHANISM="+mechanism)
		if !strings.EqualFold(c.kafka.SASL.Name(), mechanism) {
			t.Errorf("got %s", c.kafka.SASL.Name())
		}
	}

	key := servers.WriteFile(t, "key", "000102030405060708090A0b0c0d0e0f\n")
	if c := load(t, servers.WriteFile(t, "c.yaml", "privacy: {key_file: "+key+"}")); c.key == nil {
		t.Error("the key was not read")
	}
}

// TestRelativePaths: paths in the file are relative to it.
func TestRelativePaths(t *testing.T) {
	dir := filepath.Dir(servers.WriteFile(t, "x", ""))
	file := filepath.Join(dir, "c.yaml")
	for name, text := range map[string]string{"own.yaml": ownPack, "secret": "s", "c.yaml": "rules: {files: [own.yaml]}\nredis: {password_file: secret}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, file)
	if c.redis.Password != "s" || len(loadPacks(c, nil).packs) != 2 {
		t.Errorf("got %q, %v", c.redis.Password, c.files)
	}
}

// TestTLS: files make TLS settings, and what is wrong with them is a fault of the key.
func TestTLS(t *testing.T) {
	own := servers.NewAuthority(t).Issue(servers.Identity{Name: "aggregator"})
	cert, key := own.Cert, own.Key
	c := load(t, servers.WriteFile(t, "c.yaml", fmt.Sprintf(
		"kafka: {tls: {enabled: true, ca_file: %s, cert_file: %s, key_file: %s, server_name: k}}\nredis: {tls: {enabled: true}}", cert, cert, key)))
	if k := c.kafka.TLS; k == nil || k.RootCAs == nil || len(k.Certificates) != 1 || k.ServerName != "k" {
		t.Errorf("got %+v", k)
	}
	if r := c.redis.TLS; r == nil || r.RootCAs != nil {
		t.Errorf("got %+v", r)
	}
	f := func(want, text string) {
		t.Helper()
		s := &session{err: t.Output()}
		if _, bad := s.loadConfig(servers.WriteFile(t, "c.yaml", text)); len(bad) != 1 || !strings.Contains(bad[0], want) {
			t.Errorf("got %q, want %q", bad, want)
		}
	}
	f("redis.tls.ca_file: "+key+" holds no certificate", "redis: {tls: {enabled: true, ca_file: "+key+"}}")
	f("redis.tls.ca_file: open /nowhere", "redis: {tls: {enabled: true, ca_file: /nowhere}}")
	f("redis.tls.cert_file: a certificate needs its key", "redis: {tls: {enabled: true, cert_file: "+cert+"}}")
	f("redis.tls.cert_file: tls: ", "redis: {tls: {enabled: true, cert_file: "+key+", key_file: "+cert+"}}")
}

func TestConfigDefaults(t *testing.T) {
	c := load(t, servers.WriteFile(t, "c.yaml", ""))
	if !reflect.DeepEqual(c, load(t, "")) || c.shards != 16 || c.redis.Prefix != windowstore.DefaultPrefix {
		t.Errorf("got %+v", c)
	}
}
