package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// fuzzConfig reads a config and checks that each fault says where it is.
func fuzzConfig(t *testing.T, text string, environ ...string) (c *config, faults []string) {
	t.Helper()
	const file = "c.yaml"
	var warnings bytes.Buffer
	r := newConfigReader(file)
	r.readText([]byte(text))
	c, bad := r.finish(&session{err: &warnings, environ: environ})
	for _, fault := range bad {
		if !strings.HasPrefix(fault, file+":") && !strings.HasPrefix(fault, "env ") && !strings.HasPrefix(fault, "config: ") {
			t.Errorf("a fault without its place: %q", fault)
		}
	}
	return c, append(bad, lines(warnings.String())...)
}

// FuzzConfig: a config file is read, or each of its faults is reported with its place.
func FuzzConfig(f *testing.F) {
	example, err := os.ReadFile("aggregator.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example), "10m")
	for _, text := range []string{
		"", "kafka: {brokers: [a:1, b:2], sasl: {mechanism: plain, username: u, password: 'x'}}", "redis: &r {db: 1}\nhttp: *r", "- a\n- b", "a: b: c",
		"cloudevents: {types: {a: b, a: c}}", "dedupe: {window: 1d2h, max_ids: 1_000}\ncache_bytes: 1GiB", "http: {token: x, listen: ':99999'}",
		"kafka: ~\nredis:\nrules: {packs: []}", "---\n...\n---\nkafka: {}", "\ufeffkafka: {}", "\t", "redis: {db: 010}", "<<: {kafka: 1}", "? [a]\n: b", "redis: {db: !!int '7'}",
	} {
		f.Add(text, "1d")
	}
	f.Fuzz(func(t *testing.T, text, variable string) {
		c, faults := fuzzConfig(t, text, "AGGREGATOR_DEDUPE_WINDOW="+variable)
		if faults == nil && (len(c.kafka.Brokers) == 0 || len(c.redis.Addrs) == 0 || c.shards < 1 || c.cache < 1<<20 || c.intake.DedupeWindow <= 0 || c.maxAge <= 0) {
			t.Errorf("no fault, and the config is %+v", c)
		}
		if _, again := fuzzConfig(t, text, "AGGREGATOR_DEDUPE_WINDOW="+variable); !slices.Equal(faults, again) {
			t.Errorf("faults %q, then %q", faults, again)
		}
	})
}

// FuzzPassword: a password is never shown, whatever stands around it, and whatever YAML makes of that.
func FuzzPassword(f *testing.F) {
	for _, around := range [][2]string{{"", ""}, {"*", ""}, {"&", " x"}, {"!", " x"}, {"!x ", ""}, {"[", "]"}, {"{", "}"}, {"{a: ", "}"}, {"\"", "\\q\""}, {"'", ""}, {"- ", ""}, {"", ": x"}, {"@", ""}, {"%", ""}, {"|", ""}, {"\x00", ""}} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "hunter2hunter2"
		if strings.ContainsAny(before+after, "\r\n\u0085\u2028\u2029") {
			return // a line is where a password stands
		}
		_, faults := fuzzConfig(t, "redis:\n  password: "+before+secret+after+"\nhttp: {listen: 5}\n")
		if all := strings.Join(faults, "\n"); strings.Contains(all, secret) {
			t.Errorf("it shows: %s", all)
		}
	})
}
