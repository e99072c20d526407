package e2e

import (
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestBadConfigAndPack: the process names every fault of config, environment and packs at once, a
// line each. It exits with 2, whatever it was asked to do; the network is not looked at.
func TestBadConfigAndPack(t *testing.T) {
	bad := servers.WriteFile(t, "bad.yaml", `pack: bad
measures:
  clicks: {sum: cuont, types: [click]}
  readers: {distinct: account, types: [view]}
rules:
  - {id: one, title: One, by: incident, window: 1h, step: 7m, limits: {clicks: 10}}
  - {id: two, title: Two, by: incdent, window: 1h, step: 1m, limits: {readers: 010}}
  - {id: two, title: Two again, by: incident, window: 1h, step: 1m, limits: {reders: 10}, levels: [0.5]}
`)
	config := servers.WriteFile(t, "aggregator.yaml", `kafka: {broker: ["127.0.0.1:9"], events: []}
redis: {addrs: ["127.0.0.1"], db: -1}
rules: {packs: [cn-2019-51], files: [`+bad+`, nowhere.yaml]}
http: {listen: "8080"}
dedupe: {window: 10}
`)
	want := []string{
		config + ":1:9: kafka.broker: ", config + ":1:42: kafka.events: ", `did you mean "brokers"?`,
		config + ":2:17: redis.addrs", config + ":2:35: redis.db: ",
		config + ":3:17: rules.packs", `did you mean "cn-2019-15"?`, "nowhere.yaml",
		config + ":4:16: http.listen: ", config + ":5:18: dedupe.window: ",
		"env AGGREGATOR_MAX_MEMBERS: ",
		bad + ":3:17: ", `did you mean "count"?`, bad + ":6:", bad + ":7:", bad + ":8:",
	}
	for _, args := range [][]string{
		{"run", "-config", config}, {"check", "-config", config}, {"check", "-config", config, "-live"}, {"replay", "-config", config},
	} {
		r := call(t, "", []string{"AGGREGATOR_MAX_MEMBERS=many"}, args...)
		if r.code != exitUsage || r.out != "" {
			t.Errorf("%v: exit code %d, stdout %q", args, r.code, r.out)
		}
		for _, text := range want {
			if !strings.Contains(r.err, text) {
				t.Errorf("%v: no %q in:\n%s", args, text, r.err)
			}
		}
	}
}
