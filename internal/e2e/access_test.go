package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestAccess: with the ACLs of docs/security.md and no others the program does all its work,
// whichever way it says who it is. Without any one of them it says what is missing, and goes on
// when it is given. What is refused is logged once and clearly.
func TestAccess(t *testing.T) {
	t.Parallel()
	g := startGuarded(t)
	ways := []struct {
		name, principal string
		environ         []string
	}{
		{"certificate", "User:CN=aggregator", kafkaCertificate(g, g.own)},
		{"plain", "User:aggregator", kafkaLogin(g, "plain", "aggregator", plainPassword)},
		{"scram", "User:scrammer", kafkaLogin(g, "scram-sha-512", "scrammer", scramPassword)},
	}
	for _, w := range ways {
		g.allow(g.acls(w.principal)...)
		t.Run(w.name, func(t *testing.T) { g.works(t, w.name, w.environ...) })
	}
	t.Run("dlq", g.operatorWorks)
	t.Run("rights", func(t *testing.T) { g.withoutEachRight(t, ways[2].principal, ways[2].environ) })
	t.Run("kafka", g.kafkaRefuses)
	t.Run("redis", g.redisRefuses)
	t.Run("secrets", g.keepsSecrets)
	t.Run("persons", g.keepsPersons)
}

// send sends a bad record, and an event by which a new incident crosses three levels.
func (g *guarded) send(t *testing.T, incident string) {
	at := time.Now()
	event := fmt.Sprintf(`{"id":"e-%s","time":%q,"type":"click","incident":%q,"count":50000}`, incident, at.UTC().Format(time.RFC3339Nano), incident)
	g.produce(&kgo.Record{Value: []byte("bad " + incident)}, &kgo.Record{Value: []byte(event), Timestamp: at})
}

// arrived waits until what send sent has had its effect.
func (g *guarded) arrived(t *testing.T, incident string) {
	t.Helper()
	holds := func(topic, text string, n int) bool {
		found := 0
		for _, r := range g.read(topic) {
			if string(r.Key) == text || string(r.Value) == text {
				found++
			}
		}
		return found == n
	}
	eventually(t, "crossings of "+incident, func() bool { return holds(g.crossings, "incident/"+incident, 3) })
	eventually(t, "dead letter of "+incident, func() bool { return holds(g.dead, "bad "+incident, 1) })
}

func (g *guarded) works(t *testing.T, name string, environ ...string) {
	environ = append(environ, g.redisFine()...)
	d := startDaemon(t, name, g.config, environ...)
	d.AwaitReady()
	g.send(t, name)
	g.arrived(t, name)
	r := call(t, "", environ, "check", "-config", g.config, "-live")
	if r.code != exitFine || !strings.Contains(r.out, "ok: group aggregator: allowed: READ, DESCRIBE\n") {
		t.Errorf("check -live: %+v", r)
	}
	d.Stop()
	if refused := g.store.Do("ACL", "LOG"); refused != "" {
		t.Errorf("Redis refused: %s", refused)
	}
}

// operatorWorks: with the ACLs that docs/security.md has for it, and without Redis, dlq lists and puts back. With the first of them
// it lists.
func (g *guarded) operatorWorks(t *testing.T) {
	const principal = "User:operator"
	g.makeScramUser("operator", scramPassword)
	environ := append(kafkaLogin(g, "scram-sha-512", "operator", scramPassword), "AGGREGATOR_REDIS_ADDRS=127.0.0.1:1")
	line := fmt.Sprintf(`{"topic":"dissemination-events","partition":0,"offset":0,"value":{"id":"back","time":%q,"type":"click","incident":"back"}}`, time.Now().UTC().Format(time.RFC3339))
	list := g.aclsOf(pageBlockWith(t, "sh", principal), principal)
	refused := call(t, "", environ, "dlq", "-config", g.config)
	refused.mustPrint(t, exitFailed, "docs/security.md has the ACLs")
	for i, x := range list {
		g.allow(x)
		eventually(t, "dead letters are listed", func() bool { return call(t, "", environ, "dlq", "-config", g.config).code == exitFine })
		if i < len(list)-1 {
			r := call(t, line, environ, "dlq", "-config", g.config, "-replay", "-")
			r.mustPrint(t, exitFailed, "docs/security.md has the ACLs")
		}
	}
	eventually(t, "a record is put back", func() bool {
		return strings.Contains(call(t, line, environ, "dlq", "-config", g.config, "-replay", "-").out, `"result":"sent"`)
	})
}

// withoutEachRight takes each right away in turn.
func (g *guarded) withoutEachRight(t *testing.T, principal string, environ []string) {
	environ = append(environ, g.redisFine()...)
	for i, x := range g.acls(principal) {
		name := fmt.Sprintf("without-%d", i)
		g.forbid(x)
		eventually(t, "check -live misses "+x.ResourceName, func() bool {
			return call(t, "", environ, "check", "-config", g.config, "-live").code == exitFailed
		})
		d := startDaemon(t, name, g.config, environ...)
		d.mayLogErrors = true
		g.send(t, name)
		d.awaitInLog("docs/security.md")
		g.allow(x)
		g.arrived(t, name)
		d.AwaitReady()
		d.Stop()
		if n := len(complaints(d.Log.String())); n > 4 {
			t.Errorf("without %v on %s it complains %d times:\n%s", x.Operation, x.ResourceName, n, d.Log)
		}
	}
}

// complaints are the lines of a log that are warnings or errors.
func complaints(log string) []string {
	var list []string
	for s := range strings.Lines(log) {
		var line map[string]any
		if json.Unmarshal([]byte(s), &line) == nil && (line["level"] == "WARN" || line["level"] == "ERROR") {
			list = append(list, s)
		}
	}
	return list
}

// refusal is a way not to get in.
type refusal struct {
	name    string
	waits   bool // for it to be put right; otherwise the program ends
	want    []string
	environ []string
}

// refused tries it on the real binary, and by check -live.
func (g *guarded) refused(t *testing.T, r refusal) {
	t.Helper()
	d := startDaemon(t, r.name, g.config, r.environ...)
	d.mayLogErrors = true
	isLogged := func(log string) bool {
		list := complaints(log)
		return len(list) > 0 && containsAll(list[len(list)-1], r.want)
	}
	d.Log.Await(t, waitLimit, "refusal: "+r.name, isLogged)
	if r.waits {
		d.Stop()
	} else if <-d.Done(); d.ExitCode() != exitFailed {
		t.Errorf("%s: exit code %d", r.name, d.ExitCode())
	}
	// A server that refuses our certificate may cut the connection before its reason has come.
	if list := complaints(d.Log.String()); len(list) > 2 || !isLogged(d.Log.String()) {
		t.Errorf("%s: it complains %d times:\n%s", r.name, len(list), d.Log)
	}
	if c := call(t, "", r.environ, "check", "-config", g.config, "-live"); c.code != exitFailed || !strings.Contains(c.err, "failed: ") {
		t.Errorf("%s: check -live: %+v", r.name, c)
	}
}

func (g *guarded) kafkaRefuses(t *testing.T) {
	other := g.stranger.Issue(servers.Identity{Name: "aggregator"})
	const authority, login = "kafka.tls.ca_file", "kafka.sasl.username and kafka.sasl.password"
	at := func(listener string, want ...string) []string {
		return append(want, "kafka "+g.kafka.ListenerAddr(listener))
	}
	for _, r := range []refusal{
		{"unknown authority", false, at("TLS", authority), append(kafkaTLS(g, "TLS"), "AGGREGATOR_KAFKA_TLS_CA_FILE="+g.stranger.File)},
		{"other name", false, at("ELSEWHERE", "kafka.tls.server_name"), kafkaTLS(g, "ELSEWHERE")},
		{"run out", false, at("EXPIRED", "renew the server's certificate"), kafkaTLS(g, "EXPIRED")},
		{"no certificate", false, at("MUTUAL", "kafka.tls.cert_file"), kafkaTLS(g, "MUTUAL")},
		{"a stranger's certificate", false, at("MUTUAL", "kafka.tls.cert_file"), kafkaCertificate(g, other)},
		{"wrong password", false, at("LOGIN", login), kafkaLogin(g, "plain", "aggregator", "guess")},
		{"unknown user", false, at("LOGIN", login), kafkaLogin(g, "plain", "nobody", plainPassword)},
		{"wrong SCRAM password", false, at("LOGIN", login), kafkaLogin(g, "scram-sha-512", "scrammer", "guess")},
		{"SCRAM not offered", false, at("LOGIN", "kafka.sasl.mechanism"), kafkaLogin(g, "scram-sha-256", "scrammer", scramPassword)},
		{"no login", true, at("LOGIN", "kafka.sasl"), kafkaTLS(g, "LOGIN")},
		{"no TLS", true, at("TLS", "kafka.tls"), []string{"AGGREGATOR_KAFKA_BROKERS=" + g.kafka.ListenerAddr("TLS")}},
		{"TLS to none", true, []string{"kafka.tls", g.kafka.Addr()}, append(kafkaTLS(g, "TLS"), "AGGREGATOR_KAFKA_BROKERS="+g.kafka.Addr())},
	} {
		r.environ = append(r.environ, g.redisFine()...)
		g.refused(t, r)
	}
	g.runOut(t, "KAFKA_TLS_CERT_FILE", kafkaCertificate)
}

// runOut: an own certificate that has run out is a fault of the config.
func (g *guarded) runOut(t *testing.T, key string, with func(*guarded, servers.Certificate) []string) {
	t.Helper()
	old := g.authority.Issue(servers.Identity{Name: "aggregator", Expired: time.Hour})
	r := call(t, "", with(g, old), "run", "-config", g.config)
	if r.code != exitUsage || !containsAll(r.err, []string{key, old.Cert, "has run out", "renew it"}) {
		t.Errorf("got %+v", r)
	}
}

func (g *guarded) redisRefuses(t *testing.T) {
	_, expired := g.startRedis(t, g.authority.Issue(servers.Identity{Name: "redis", Expired: time.Hour}), "no")
	_, elsewhere := g.startRedis(t, g.authority.Issue(servers.Identity{Name: "redis", Hosts: []string{"redis.example"}}), "no")
	g.store.Do("ACL", "SETUSER", "weak", "on", ">pw", "~aggregator:*", "+ping", "+mget")
	other := g.stranger.Issue(servers.Identity{Name: "aggregator"})
	in := redisCertificate(g, g.secureStore, g.own)
	with := func(more ...string) []string { return append(slices.Clone(in), more...) }
	const login, tls = "redis.username and redis.password", "redis.tls"
	for _, r := range []refusal{
		{"unknown authority", false, []string{g.secureStore, "redis.tls.ca_file"}, with("AGGREGATOR_REDIS_TLS_CA_FILE=" + g.stranger.File)},
		{"other name", false, []string{elsewhere, "redis.tls.server_name"}, redisTLS(g, elsewhere)},
		{"run out", false, []string{expired, "renew the server's certificate"}, redisTLS(g, expired)},
		{"no certificate", false, []string{g.secureStore, "redis.tls.cert_file"}, redisTLS(g, g.secureStore)},
		{"a stranger's certificate", false, []string{g.secureStore, "redis.tls.cert_file"}, redisCertificate(g, g.secureStore, other)},
		{"wrong password", false, []string{g.secureStore, "WRONGPASS", login}, with(redisLogin("aggregator", "guess")...)},
		{"unknown user", false, []string{g.secureStore, "WRONGPASS", login}, with(redisLogin("nobody", redisPassword)...)},
		{"too few rights", true, []string{"NOPERM", "docs/security.md"}, with(redisLogin("weak", "pw")...)},
		{"no TLS", true, []string{g.secureStore, tls}, []string{"AGGREGATOR_REDIS_ADDRS=" + g.secureStore}},
		{"TLS to none", true, []string{g.store.Addr(), tls}, redisTLS(g, g.store.Addr())},
	} {
		r.environ = append([]string{"AGGREGATOR_KAFKA_BROKERS=" + g.kafka.Addr()}, r.environ...)
		g.refused(t, r)
	}
	g.runOut(t, "REDIS_TLS_CERT_FILE", func(g *guarded, c servers.Certificate) []string { return redisCertificate(g, g.secureStore, c) })
}
