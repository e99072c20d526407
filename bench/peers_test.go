//go:build linux

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// The versions of the peers, as they stand in the Makefile and in peers/pom.xml.
const (
	streamsVersion = "4.4.0"
	flinkVersion   = "2.2.1"
)

// peerLimit bounds a peer's run: on a busy machine a JVM takes its time.
const peerLimit = 20 * time.Minute

// share is the part of a backlog that the consumer updating Redis for each event takes.
const share = 10

// peer is a program in Java that does the plain job, as far as it can. Its source is in peers, in a directory of its name.
type peer struct {
	name string // of the directory, and of that of its jars
	core string // the jar that shows that all are there
	jvm  []string
	// counted makes a question: whether a process of it has counted a backlog.
	counted func(x *fixture, p *servers.Program, group string, l backlog) func() bool
}

var kafkaStreams = peer{
	name: "streams", core: "kafka-streams-" + streamsVersion + ".jar",
	jvm: []string{"-Xms1g", "-Xmx1g"},
	counted: func(x *fixture, _ *servers.Program, group string, l backlog) func() bool {
		return x.committed(group, l.topic, l.ends)
	},
}

var flink = peer{
	name: "flink", core: "flink-runtime-" + flinkVersion + ".jar",
	jvm: []string{
		"-Xms1g", "-Xmx4g", "--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED",
		"--add-opens=java.base/java.time=ALL-UNNAMED", "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
	},
	counted: func(_ *fixture, p *servers.Program, _ string, _ backlog) func() bool {
		return func() bool { return strings.Contains(p.Log.String(), "counted\n") }
	},
}

// jars is the directory of the peer's jars; without them the benchmark is skipped, or fails.
func (p *peer) jars(b testing.TB) string {
	b.Helper()
	dir := os.Getenv("PEERS_LIB")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			b.Fatal(err)
		}
		dir = filepath.Join(cache, "aggregator", "peers-"+streamsVersion+"-"+flinkVersion)
	}
	dir = filepath.Join(dir, p.name)
	_, err := os.Stat(filepath.Join(dir, p.core))
	servers.Need(b, err, "make peers")
	return dir
}

// compiled compiles the peer and returns its class path.
func (p *peer) compiled(b testing.TB) string {
	b.Helper()
	jars := filepath.Join(p.jars(b), "*")
	javac, err := exec.LookPath("javac")
	servers.Need(b, err, "make peers")
	sources, err := filepath.Glob(filepath.Join("peers", p.name, "*.java"))
	if err != nil || len(sources) == 0 {
		b.Fatalf("find the source of %s: %d files, error %v", p.name, len(sources), err)
	}
	classes := b.TempDir()
	args := append([]string{"-Xlint:all", "-Werror", "-d", classes, "-cp", jars}, sources...)
	if out, err := exec.Command(javac, args...).CombinedOutput(); err != nil {
		b.Fatalf("compile %s: %v\n%s", p.name, err, out)
	}
	return classes + ":" + jars
}

// peerRun lets a peer read a backlog. Its start is in its time and its CPU time.
func (x *fixture) peerRun(p *peer, classes string, l backlog) figures {
	x.number++
	group, crossings, dir := fmt.Sprintf("%s-%d", p.name, x.number), x.crossings(), x.b.TempDir()
	x.kafka.CreateTopic(crossings, partitions, nil)
	args := append([]string{"-cp", classes, "-Djava.io.tmpdir=" + dir, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"}, p.jvm...)
	kafkaCPU, began := x.kafka.Broker(0).CPU(), time.Now()
	command := append(append([]string{"java"}, args...), p.name+".Job", x.kafka.Addr(), l.topic, crossings, group, dir)
	run := servers.StartProgram(x.b, servers.ProgramOptions{Name: p.name, Command: command})
	counted := p.counted(x, run, group, l)
	servers.Await(x.b, peerLimit, 100*time.Millisecond, p.name+" to count the backlog", func() bool {
		if run.Ended() {
			x.b.Fatalf("%s ended with %d\n%s", p.name, run.ExitCode(), run.Log)
		}
		return counted()
	})
	f := figures{rate: float64(l.events) / time.Since(began).Seconds(), peak: peak(x.b, run)}
	million := float64(l.events) / 1e6
	run.Stop(0, endedByTerm)
	f.program = run.CPU().Seconds() / million
	f.kafka = (x.kafka.Broker(0).CPU() - kafkaCPU).Seconds() / million
	f.announced = x.announced(crossings)
	f.crossings = float64(len(f.announced))
	return f
}

// endedByTerm is the code with which a JVM that was ended by SIGTERM in order exits.
const endedByTerm = 143

// announced are the crossings that are committed in a topic.
func (x *fixture) announced(topic string) []crossing {
	var list []crossing
	for _, line := range x.kafka.Consume(topic) {
		c, err := readCrossing([]byte(line))
		if err != nil {
			x.b.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

// first is the first part of each partition of a backlog.
func (l backlog) first(part int64) backlog {
	l.events = 0
	ends := make([]int64, len(l.ends))
	for p, end := range l.ends {
		ends[p] = end / part
		l.events += int(ends[p])
	}
	l.ends = ends
	return l
}

// BenchmarkPeers lets those who could do the plain job instead read one backlog in turns with the
// program and the floor. It compares the crossings of each with the oracle. RESULTS.md describes
// each, and what it does not do.
func BenchmarkPeers(b *testing.B) {
	streamsClasses, flinkClasses := kafkaStreams.compiled(b), flink.compiled(b)
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	c := gen.Config{Seed: 42, Events: *events}
	l := loadBacklog(b, x.kafka, "events", c)
	exact, byMinutes := askOracle(b, inSpan(c))
	hops := byMinutes.expected()
	printf("the oracle has %d crossings, windows that end with a minute reach %d limits", len(exact), len(hops))
	var t table
	for b.Loop() {
		for range *runs {
			x.noteJudged(&t, "floor", x.floorRun(l), exact)
			f := x.backlogRun(plain, l)
			f.announced = x.announced(x.crossings())
			x.noteJudged(&t, "aggregator", f, exact)
			part := l.first(share)
			x.noteJudged(&t, "Redis per event, a tenth", x.perEventRun(part), exact.before(part.ends))
			x.noteJudged(&t, "Kafka Streams", x.peerRun(&kafkaStreams, streamsClasses, l), exact)
			x.noteFlink(&t, x.peerRun(&flink, flinkClasses, l), exact, hops)
		}
	}
	printf("load average after: %s\n\n%s", loadAverage(), &t)
	both := func(f *figures) float64 { return f.program + f.redis }
	for _, name := range t.names {
		b.ReportMetric(t.median(name, both), strings.ReplaceAll(name, " ", "-")+"-cpu-s/M")
	}
}

// noteJudged adds the run of a system that does the exact job.
func (x *fixture) noteJudged(t *table, name string, f figures, known expected) {
	f.verdict = known.judge(f.announced)
	t.note(name, f)
	printf("%s: %.1f CPU s a million, %v", name, f.program, f.verdict)
	if !f.verdict.exact() {
		x.b.Errorf("%s: missed / untrue / again / at another event: %v", name, f.verdict)
	}
}

// noteFlink adds a run of Flink, which has a definition of its own to follow.
func (x *fixture) noteFlink(t *table, f figures, exact, hops expected) {
	f.verdict = exact.judge(f.announced)
	t.note("Flink SQL, HOP", f)
	own := hops.judge(f.announced)
	printf("Flink SQL: %.1f CPU s a million, %v; by its own definition %v", f.program, f.verdict, own)
	if !own.exact() {
		x.b.Errorf("Flink, by its own definition: missed / untrue / again: %v", own)
	}
}

// The jars that make peers fetches are those the benchmark looks for.
func TestPeerVersionsAreOne(t *testing.T) {
	servers.MustHold(t, "peers/pom.xml", "<streams>"+streamsVersion+"</streams>")
	servers.MustHold(t, "peers/pom.xml", "<flink>"+flinkVersion+"</flink>")
	servers.MustHold(t, "../Makefile", "STREAMS   := "+streamsVersion+"\n")
	servers.MustHold(t, "../Makefile", "FLINK     := "+flinkVersion+"\n")
}
