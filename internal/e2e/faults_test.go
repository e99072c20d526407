//go:build slow

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// repetitions is how often something is done: a few times, or as often as FAULTS says. FAULTS is in
// per cent of all (100, as `make faults` sets it).
func repetitions(few, all int) int {
	share, _ := strconv.Atoi(os.Getenv("FAULTS")) // a few
	return max(few, all*share/100)
}

// faultRow is what came of one kind of fault, over all its runs.
type faultRow struct {
	fault                         string
	faults, kills                 int // kills: of processes that publish
	events, wanted                int
	missed, wrong, repeated, runs int
	stall                         time.Duration
	note                          string
}

// faultTable gathers rows.
type faultTable struct {
	mu   sync.Mutex
	rows []faultRow
}

var report faultTable

// add adds a run to the row of its fault.
func (r *faultTable) add(x faultRow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.rows, func(y faultRow) bool { return y.fault == x.fault })
	if i < 0 {
		i = len(r.rows)
		r.rows = append(r.rows, faultRow{fault: x.fault})
	}
	y := &r.rows[i]
	y.faults, y.kills, y.runs = y.faults+x.faults, y.kills+x.kills, y.runs+1
	y.events, y.wanted = y.events+x.events, y.wanted+x.wanted
	y.missed, y.wrong, y.repeated = y.missed+x.missed, y.wrong+x.wrong, y.repeated+x.repeated
	y.stall, y.note = max(y.stall, x.stall), cmp.Or(x.note, y.note)
}

// String is the table as Markdown.
func (r *faultTable) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	b.WriteString("| fault | injected | events | crossings wanted | missed | wrong | repeated | longest stall | |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, x := range r.rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %.1f s | %s |\n",
			x.fault, x.faults, x.events, x.wanted, x.missed, x.wrong, x.repeated, x.stall.Seconds(), x.note)
	}
	return b.String()
}

// brokersUntouched are the faults that leave the brokers alone.
var brokersUntouched = []struct {
	name string
	test func(t *testing.T, kafka *servers.KafkaServer)
}{
	{"Kill", testKill},
	{"Reload", testReload},
	{"Zombie", testZombie},
	{"RedisKill", testRedisKill},
	{"Power", testPower},
	{"Flush", testFlush},
	{"Refuse", testRefuse},
	{"Unwritable", testUnwritable},
	{"Loading", testLoading},
	{"Disk", testDisk},
	{"RedisNetwork", testRedisNetwork},
	{"Failover", testFailover},
	{"Cluster", testCluster},
	{"ClusterKill", testClusterKill},
	{"MorePartitions", testMorePartitions},
	{"TopicAgain", testTopicAgain},
	{"Retention", testRetention},
	{"Output", testOutput},
}

// testTogether injects the faults that leave the brokers in peace, in pairs: each has topics and a Redis of its own.
func testTogether(t *testing.T) {
	proxies, advertise := newNetwork(t), []string{servers.FreeAddr(t), servers.FreeAddr(t), servers.FreeAddr(t)}
	kafka := threeBrokers(t, advertise)
	for i, listen := range advertise {
		proxies.add(listen, kafka.SecondAddrs()[i])
	}
	for _, f := range brokersUntouched {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.test(t, kafka.As(t))
		})
	}
	t.Run("KafkaNetwork", func(t *testing.T) {
		t.Parallel()
		testKafkaNetwork(t, kafka.As(t), proxies)
	})
}

// threeBrokers starts a Kafka; advertise is for clients that come through proxies.
func threeBrokers(t *testing.T, advertise []string) *servers.KafkaServer {
	t.Helper()
	return servers.Kafka(t, servers.KafkaOptions{
		Brokers: 3, Advertise: advertise, JVM: []string{"-Xms192m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"},
	})
}

// TestSlowFaults injects every fault that the program must survive, on real servers, while events come, and compares what was
// counted and published with the oracle. It prints a table, and writes it to the file that FAULTS_TABLE names.
func TestSlowFaults(t *testing.T) {
	faultAggregator.Path(t)
	began := time.Now()
	if os.Getenv("FAULTS") != "" {
		t.Run("Poison", testPoison) // alone, since it measures how long things take
	}
	t.Run("Together", testTogether)
	// A broker that died looks through all the logs that it has when it starts: these have few.
	t.Run("Brokers", func(t *testing.T) { testBrokers(t, threeBrokers(t, nil)) })
	for _, x := range report.rows {
		if most := (x.kills + 999) / 1000; x.repeated > most {
			t.Errorf("%s: %d crossings came again, at most %d may", x.fault, x.repeated, most)
		}
	}
	text := report.String()
	t.Logf("faults in %v:\n%s", time.Since(began).Round(time.Second), text)
	if file := os.Getenv("FAULTS_TABLE"); file != "" {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
}
