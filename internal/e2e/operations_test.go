package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// The tests of this file do what docs/operations.md says, by its own commands.
const operations = "docs/operations.md"

// step is a block of a procedure, counted from 0. It must begin like this, so that the test knows what it runs.
func step(t *testing.T, heading string, i int, begins string) string {
	t.Helper()
	blocks := blocksUnder(t, operations, heading, "sh")
	if i >= len(blocks) || !strings.HasPrefix(blocks[i], begins) {
		t.Fatalf("%s %q: block %d does not begin with %q: %q", operations, heading, i, begins, blocks)
	}
	return blocks[i]
}

// newOperations is a site of a Redis of its own whose config and pack an operator changes.
func newOperations(t *testing.T, partitions int, pack string) (*site, *servers.RedisServer, *desk) {
	t.Helper()
	servers.Require(t, "kcat")
	redis := servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, servers.SharedKafka(t), siteOptions{partitions: partitions, redis: redis.Addr(), pack: pack, made: true})
	d := newSiteDesk(s, redis.Addr())
	config, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(config), "rules:")
	d.write("aggregator.yaml", before+"rules: {packs: [], files: [own.yaml]}\n")
	d.write("own.yaml", pack)
	s.config, s.packs = filepath.Join(d.dir, "aggregator.yaml"), []string{pack}
	return s, redis, d
}

// ids are the ids of all records of a topic of crossings, sorted.
func (s *site) ids(topic string) (list []string) {
	s.t.Helper()
	for _, r := range s.read(topic) {
		_, rest, _ := strings.Cut(string(r.Value), `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

// awaitIDs waits until a topic has crossings with these ids and no others.
func (s *site) awaitIDs(topic string, want ...string) {
	s.t.Helper()
	slices.Sort(want)
	if got := []string(nil); !within(waitLimit, func() bool { got = s.ids(topic); return len(got) >= len(want) }) || !slices.Equal(got, want) {
		s.t.Fatalf("%s has %v, want %v", topic, got, want)
	}
}

// TestOperationsDeploy: the commands of "Deploy" make the topics, find everything fit, and start the service.
func TestOperationsDeploy(t *testing.T) {
	redis := servers.Redis(t, servers.RedisOptions{})
	s := newSite(t, servers.Kafka(t, servers.KafkaOptions{}), siteOptions{partitions: 2, redis: redis.Addr(), pack: threePack, made: true, usual: true})
	for _, topic := range []string{s.events, s.crossings, s.dead} {
		s.kafka.DeleteTopic(topic)
	}
	eventually(t, "the topics are gone", func() bool {
		return !s.kafka.HasTopic(s.events) && !s.kafka.HasTopic(s.crossings) && !s.kafka.HasTopic(s.dead)
	})
	d := newSiteDesk(s, redis.Addr()).mustDo(step(t, "## Deploy", 0, "bin/aggregator topics "))
	d.AwaitReady()
	d.Stop()
}

// TestOperationsUpgrade: processes are replaced one after the other while events come. Nothing is lost or comes twice.
func TestOperationsUpgrade(t *testing.T) {
	s, redis, desk := newOperations(t, 2, ninePack)
	old := []*daemon{s.start("first"), s.start("second")}
	for i, d := range old {
		d.AwaitReady()
		s.produce(clicks("A", int32(i), fmt.Sprint("before ", i), fmt.Sprint("between ", i), fmt.Sprint("after ", i))...)
	}
	for i, d := range old {
		d.Stop()
		replaced := s.start(fmt.Sprint("new ", i))
		s.produce(clicks("A", int32(i), fmt.Sprint("new ", i))...)
		replaced.AwaitReady()
	}
	s.produce(clicks("A", 0, "last")...)
	s.awaitDone()
	s.awaitClicks(redis.Addr(), "A", 9)
	s.awaitIDs(s.crossings, "nine/incident/A/1/0.3333", "nine/incident/A/1/0.6666", "nine/incident/A/1/1")
	desk.do(step(t, "## Upgrade and roll back", 0, "bin/aggregator version\n"))
}

// TestOperationsRestore: a snapshot that was taken while the service ran is put back. What came after
// it is counted again from the log, and no crossing comes twice.
func TestOperationsRestore(t *testing.T) {
	const heading = "## Back up and restore"
	s, redis, desk := newOperations(t, 1, ninePack)
	d := s.start("before")
	s.produce(clicks("A", 0, "1", "2", "3", "4")...)
	s.awaitDone()
	desk.do(step(t, heading, 0, "redis-cli "))
	s.produce(clicks("A", 0, "5", "6", "7")...)
	s.awaitIDs(s.crossings, "nine/incident/A/1/0.3333", "nine/incident/A/1/0.6666")
	d.Stop()

	redis.Stop()
	for _, name := range []string{"appendonlydir", "dump.rdb"} {
		if err := os.RemoveAll(filepath.Join(redis.Dir(), name)); err != nil {
			t.Fatal(err)
		}
	}
	desk.do(fmt.Sprintf("cp backup.rdb '%s/dump.rdb'", redis.Dir()))
	command := strings.NewReplacer("redis-data", "'"+redis.Dir()+"'", " --daemonize yes", "", "redis-server", "exec redis-server")
	once := servers.StartProgram(t, servers.ProgramOptions{Name: "redis without its file", Command: []string{
		"sh", "-c", desk.here.Replace(command.Replace(step(t, heading, 1, "redis-server "))),
	}})
	eventually(t, "it answers", func() bool { reply, err := redis.Try("PING"); return err == nil && reply == "PONG" })
	on, off, _ := strings.Cut(step(t, heading, 2, "redis-cli -p 16379 CONFIG SET appendonly yes\n"), "\n")
	desk.do(on)
	eventually(t, "it ends once the file is there", func() bool { _, _ = desk.try(off); return once.Ended() })
	redis.Restart()
	if keys := redis.Do("DBSIZE"); keys == "0" {
		t.Fatal("nothing was restored")
	}
	d = s.start("after")
	s.produce(clicks("A", 0, "8", "9")...)
	s.awaitClicks(redis.Addr(), "A", 9)
	s.awaitIDs(s.crossings, "nine/incident/A/1/0.3333", "nine/incident/A/1/0.6666", "nine/incident/A/1/1")
	s.awaitDone()
	s.mustVerify()
	if strings.Contains(d.Log.String(), "lost fences") {
		t.Error("it counted everything again: the snapshot was not there")
	}
	d.Stop()
}

// TestOperationsPartitions: the partitions that the page's command adds are counted from their starts.
func TestOperationsPartitions(t *testing.T) {
	s, redis, desk := newOperations(t, 1, threePack)
	d := s.start("aggregator")
	d.AwaitReady()
	var more int
	command := desk.here.Replace(step(t, "## Add partitions", 0, "kafka-topics.sh "))
	form := "kafka-topics.sh --bootstrap-server " + s.kafka.Addr() + " --alter --topic " + s.events + " --partitions %d\n"
	if _, err := fmt.Sscanf(command, form, &more); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	s.addPartitions(more)
	s.produce(clicks("A", int32(more-1), "1", "2", "3")...)
	s.awaitIDs(s.crossings, "three/incident/A/1/1")
	s.awaitClicks(redis.Addr(), "A", 3)
	d.Stop()
}

// TestOperationsLimit: a limit is raised. Counts are kept, the metric has the hash that sha256sum prints,
// and replay tells beforehand what would have been announced.
func TestOperationsLimit(t *testing.T) {
	const heading = "## Change a limit"
	s, _, desk := newOperations(t, 1, threePack)
	d := s.start("before")
	s.produce(clicks("A", 0, "1", "2", "3")...)
	s.produce(clicks("B", 0, "4", "5")...)
	s.awaitIDs(s.crossings, "three/incident/A/1/1")
	raised := strings.ReplaceAll(threePack, "clicks: 3", "clicks: 4")
	desk.write("own.yaml", raised)
	out := desk.do(step(t, heading, 0, "bin/aggregator check -rules own.yaml\nsha256sum own.yaml\n"))
	hash := regexp.MustCompile(`[0-9a-f]{64}`).FindString(out)
	desk.do(step(t, heading, 1, "kcat -C "))
	if would := desk.do("cat would-be.ndjson"); would != "" {
		t.Errorf("replay with the raised limit announces %s", would)
	}
	d.Stop()
	d = s.start("after")
	d.AwaitReady()
	if n := d.metric("aggregator_rules_info", `hash="`+hash); hash == "" || n != 1 {
		t.Errorf("no metric has the hash %s", hash)
	}
	s.produce(clicks("B", 0, "6", "7")...)
	s.awaitIDs(s.crossings, "three/incident/A/1/1", "three/incident/B/1/1")
	d.Stop()
}

// besidePack is threePack with a measure that was not counted before.
const besidePack = `
pack: three
measures: {clicks: {sum: count, types: [click]}, likes: {sum: count, types: [like]}}
rules:
  - {id: three, title: Three clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 3}, levels: [1]}
  - {id: likes, title: Two likes, by: incident, window: 1h, step: 1m, limits: {likes: 2}, levels: [1]}
`

// likes are two likes of an incident.
func likes(incident string) []*kgo.Record {
	list := clicks(incident, 0, incident+" liked", incident+" liked again")
	for _, r := range list {
		r.Value = []byte(strings.ReplaceAll(string(r.Value), `"click"`, `"like"`))
	}
	return list
}

// three are three clicks of an incident.
func three(incident string) []*kgo.Record {
	return clicks(incident, 0, incident+"1", incident+"2", incident+"3")
}

// TestOperationsBeside: a second deployment counts the log with a new measure beside the first, and takes its place.
// On the topic of crossings nothing is missing and nothing comes twice, and the new measure has all its past.
func TestOperationsBeside(t *testing.T) {
	t.Parallel()
	const heading = "## Begin anew beside the old"
	s, redis, desk := newOperations(t, 12, threePack)
	first := s.start("first")
	s.produce(three("A")...)
	s.produce(likes("A")...)
	s.produce(likes("D")[:1]...)
	desk.do(step(t, heading, 0, "cp own.yaml own-2.yaml\n"))
	desk.write("own-2.yaml", besidePack)
	desk.do(step(t, heading, 1, "bin/aggregator check -config beside.yaml\n"))
	second := desk.mustDo(step(t, heading, 2, "bin/aggregator run "))
	beside := *s
	beside.group, beside.prefix, beside.packs, beside.crossings = s.group+"-2", s.group+"-2:", []string{besidePack}, s.crossings+"-2"
	beside.awaitDone()
	s.awaitDone()
	desk.do(step(t, heading, 3, "bin/aggregator verify "))
	beside.awaitIDs(beside.crossings, "likes/incident/A/1/1", "three/incident/A/1/1")
	if got := desk.do(step(t, heading, 4, "kcat -C ")); got != `"id":"likes/incident/A/1/1"`+"\n" {
		t.Errorf("only the second one announced %s", got)
	}

	s.produce(three("B")...)
	beside.awaitIDs(beside.crossings, "likes/incident/A/1/1", "three/incident/A/1/1", "three/incident/B/1/1")
	second.Stop()
	s.produce(three("C")...)
	s.awaitIDs(s.crossings, "three/incident/A/1/1", "three/incident/B/1/1", "three/incident/C/1/1")
	first.Stop()
	s.produce(three("D")...)
	s.produce(likes("D")[1:]...)
	second = desk.mustDo(step(t, heading, 5, "sed -i "))
	beside.awaitDone()
	s.awaitIDs(s.crossings, "three/incident/A/1/1", "three/incident/B/1/1", "three/incident/C/1/1", "three/incident/D/1/1", "likes/incident/D/1/1")
	desk.do(step(t, heading, 3, "bin/aggregator verify "))
	second.Stop()
	first = s.start("the way back")
	s.awaitDone()
	first.Stop()
	s.awaitIDs(s.crossings, "three/incident/A/1/1", "three/incident/B/1/1", "three/incident/C/1/1", "three/incident/D/1/1", "likes/incident/D/1/1")
	cleanUp(s, redis, desk, step(t, heading, 6, "redis-cli "))

	second = desk.start("bin/aggregator run -config beside.yaml")
	s.produce(three("E")...)
	beside.awaitDone()
	if ids := s.ids(s.crossings); !slices.Contains(ids, "three/incident/E/1/1") || len(ids) != 6 {
		t.Errorf("after the old was deleted: %v", ids)
	}
	second.Stop()
}

// cleanUp deletes what the first deployment left, as the block says.
func cleanUp(s *site, redis *servers.RedisServer, desk *desk, block string) {
	s.t.Helper()
	for line := range strings.Lines(desk.here.Replace(block)) {
		words := strings.Fields(line)
		name := words[len(words)-1]
		switch {
		case words[0] == "redis-cli":
			desk.do(line)
		case strings.HasPrefix(line, "kafka-topics.sh --bootstrap-server "+s.kafka.Addr()+" --delete --topic "):
			s.kafka.DeleteTopic(name)
		case strings.HasPrefix(line, "kafka-consumer-groups.sh --bootstrap-server "+s.kafka.Addr()+" --delete --group "):
			request := kmsg.NewPtrDeleteGroupsRequest()
			request.Groups = []string{s.group}
			if _, err := request.RequestWith(s.t.Context(), s.client); err != nil || name != "aggregator" {
				s.t.Errorf("%s: %v", line, err)
			}
		default:
			s.t.Errorf("not a command: %s", line)
		}
	}
	for key := range strings.Lines(redis.Do("--scan")) {
		if !strings.HasPrefix(key, s.group+"-2:") {
			s.t.Errorf("left in redis: %s", key)
		}
	}
}
