package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// warningsOf are the warnings about a config, which must be without faults.
func warningsOf(t *testing.T, file string, environ ...string) []string {
	t.Helper()
	return load(t, file, environ...).warnings
}

// TestDoors: what is open to more people than it need be is reported at its place, with the remedy.
func TestDoors(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		file := servers.WriteFile(t, "c.yaml", text)
		got := warningsOf(t, file)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], file, "FILE")
		}
		if len(got) != len(want) {
			t.Fatalf("%s: got %q", text, got)
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%s: got\n%s, want\n%s", text, got[i], want[i])
			}
		}
	}
	const token = "token: " + httpToken
	f("")
	f("http: {listen: '127.0.0.1:80'}")
	f("http: {listen: 'localhost:80', debug: false}")
	f("http: {listen: '[::1]:80'}")
	f("http: {listen: '0.0.0.0:80', debug: true, " + token + "}")
	f("http: {listen: '0.0.0.0:80'}", "FILE:1:16: http.listen: warning: whoever reaches 0.0.0.0:80 can read what is counted and the metrics; set http.token_file, or listen at 127.0.0.1")
	f("http: {listen: ':80'}", "FILE:1:16: http.listen: warning: ")
	f("http: {listen: 'host.example:80'}", "FILE:1:16: http.listen: warning: ")
	f("http: {debug: true}", "FILE:1:15: http.debug: warning: whoever reaches 127.0.0.1:8080 can take profiles")
	f("http:\n  listen: '0.0.0.0:80'\n  debug: true\n", "FILE:2:11: http.listen: warning: ", "FILE:3:10: http.debug: warning: ")

	login := func(mechanism, broker, more string) string {
		return fmt.Sprintf("kafka: {brokers: ['127.0.0.1:1', '%s'], sasl: {mechanism: %s, username: u, password: p}%s}", broker, mechanism, more)
	}
	f(login("plain", "localhost:9092", ""))
	f(login("plain", "kafka.example:9092", ", tls: {enabled: true}"))
	f(login("plain", "kafka.example:9092", ""), "FILE:1:75: kafka.sasl.mechanism: warning: without TLS the network between here and kafka.example:9092 sees the password; set kafka.tls.enabled")
	f(login("scram-sha-512", "kafka.example:9092", ""), "FILE:1:75: kafka.sasl.mechanism: warning: without TLS the network between here and kafka.example:9092 sees a proof from which the password can be guessed (SCRAM is safe only with TLS)")
	f("kafka: {brokers: ['kafka.example:9092']}")

	f("notify: [{name: a, webhook: {url: 'http://[::1]:1/x'}}, {name: b, webhook: {url: 'https://a.example/x'}}, {name: c, alertmanager: {urls: ['http://a.example']}}]")
	f("notify: [{name: a, webhook: {url: 'http://a.example/x?y'}}]",
		"FILE:1:35: notify[0].webhook.url: warning: the network between here and a.example sees what crossed, and whoever sits there can answer in its place; use https")

	f("redis: {addrs: ['127.0.0.1:1'], password: p}")
	f("redis: {addrs: ['redis.example:1'], password: p, tls: {enabled: true}}")
	f("redis: {addrs: ['redis.example:1'], password: p}", "FILE:1:47: redis.password: warning: without TLS the network between here and redis.example:1 sees the password; set redis.tls.enabled")
	f("redis: {addrs: ['redis.example:1'], password_file: "+servers.WriteFile(t, "p", "p")+"}", "FILE:1:52: redis.password_file: warning: without TLS")
	f("redis: {addrs: ['redis.example:1'], master_name: m, sentinel_password: p}", "FILE:1:72: redis.sentinel_password: warning: without TLS")
}

// TestDoorsByVariable: a warning names the variable that opens.
func TestDoorsByVariable(t *testing.T) {
	got := warningsOf(t, "", "AGGREGATOR_HTTP_LISTEN=:80")
	if len(got) != 1 || !strings.HasPrefix(got[0], "env AGGREGATOR_HTTP_LISTEN: warning: whoever reaches :80") {
		t.Errorf("got %q", got)
	}
}

// TestSecretModes: a file with a secret that others may read is reported, whichever key names it.
func TestSecretModes(t *testing.T) {
	secret := servers.WriteFile(t, "secret", "0123456789abcdef0123456789abcdef\n")
	keys := map[string]string{
		"kafka.sasl.password_file":     "kafka: {sasl: {mechanism: plain, username: u, password_file: %s}}",
		"redis.password_file":          "redis: {password_file: %s}",
		"redis.sentinel_password_file": "redis: {master_name: m, sentinel_password_file: %s}",
		"http.token_file":              "http: {token_file: %s}",
		"privacy.key_file":             "privacy: {key_file: %s}",
	}
	f := func(mode os.FileMode, who string) {
		t.Helper()
		if err := os.Chmod(secret, mode); err != nil {
			t.Fatal(err)
		}
		for key, text := range keys {
			got := strings.Join(warningsOf(t, servers.WriteFile(t, "c.yaml", fmt.Sprintf(text, secret))), "\n")
			want := key + ": warning: " + secret + " may be read by " + who + "; chmod 600 " + secret
			if who == "" && got != "" || who != "" && !strings.Contains(got, want) {
				t.Errorf("%v: got %q, want %q", mode, got, want)
			}
		}
	}
	f(0o600, "")
	f(0o400, "")
	f(0o640, "its group")
	f(0o620, "its group")
	f(0o644, "all users of this machine")
	f(0o666, "all users of this machine")
	f(0o604, "all users of this machine")

	// A secret in the config itself.
	for key, text := range map[string]string{
		"redis.password": "redis: {password: p}", "http.token": "http: {token: " + httpToken + "}",
		"kafka.sasl.password": "kafka: {sasl: {mechanism: plain, username: u, password: p}}",
	} {
		file := servers.WriteFile(t, "c.yaml", text)
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := warningsOf(t, file); len(got) != 1 || !strings.Contains(got[0], key+": warning: "+file+" may be read by all users") {
			t.Errorf("got %q", got)
		}
	}
	file := servers.WriteFile(t, "c.yaml", "{}")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := warningsOf(t, file, "AGGREGATOR_REDIS_PASSWORD=p"); got != nil {
		t.Errorf("got %q", got)
	}
}

// TestShortWindows: a window that one clock ahead of time can empty is reported, with the figures.
func TestShortWindows(t *testing.T) {
	f := func(window, ahead, want string) {
		t.Helper()
		pack := servers.WriteFile(t, "own.yaml", strings.NewReplacer("window: 1h", "window: "+window, "step: 1m", "step: 1s").Replace(ownPack))
		r := call("", nil, "check", "-config", servers.WriteFile(t, "c.yaml", "max_ahead: "+ahead+"\nrules: {packs: [], files: ["+pack+"]}"))
		got := strings.ReplaceAll(strings.TrimSpace(r.err), pack, "FILE")
		if r.code != exitFine || !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("window %s, max_ahead %s: got %d, %q, want %q", window, ahead, r.code, got, want)
		}
	}
	f("10m", "5m", "")
	f("599s", "5m", "FILE:5:")
	f("2m", "5m", "FILE:5:10: rules[0].window: warning: of rule views: 2m is less than twice max_ahead (5m), "+
		"so that one event whose clock is ahead makes present ones late; lower max_ahead to 1m, or lengthen the window")
	f("2m", "1m", "")
}

// TestWarnings: check prints them and is content, run logs them.
func TestWarnings(t *testing.T) {
	config := servers.WriteFile(t, "c.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\nredis: {addrs: [%q]}\nhttp: {listen: \"127.0.0.1:0\", debug: true}\nmax_ahead: 366d\n", servers.FreeAddr(t), servers.FreeAddr(t)))
	r := call("", nil, "check", "-config", config)
	if r.code != exitFine || !strings.HasPrefix(r.out, "ok: packs 1") || !strings.HasPrefix(r.err, config+":3:38: http.debug: warning: ") ||
		!strings.Contains(r.err, "of rule art3-clicks: 730d is less than twice max_ahead (366d)") {
		t.Errorf("got %+v", r)
	}
	p := start(t, []string{"AGGREGATOR_LOG_FORMAT=json"}, "run", "-config", config)
	log := p.err.Await(t, limit, "start", says("started"))
	for _, want := range []string{"http.debug: warning: ", "of rule art3-clicks: 730d is less"} {
		if !strings.Contains(log, want) || !says("config or packs could be safer")(log) {
			t.Errorf("no %q in:\n%s", want, log)
		}
	}
}
