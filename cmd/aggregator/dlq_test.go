package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// bury writes dead letters of events that lack what the reason says, as the service does.
func bury(t *testing.T, addr string, reasons ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i, reason := range reasons {
		r := &kgo.Record{
			Topic: "dissemination-events.dlq", Key: []byte("inc-1"), Value: fmt.Appendf(nil, `{"id":"e-%d","time":"2026-01-01T00:00:00Z","incident":"A"}`, i),
			Timestamp: time.Now().Add(-time.Hour),
		} // before anything is put back
		for _, h := range [][2]string{
			{"__connect.errors.topic", "dissemination-events"},
			{"__connect.errors.partition", fmt.Sprint(i % 2)},
			{"__connect.errors.offset", fmt.Sprint(i)},
			{"__connect.errors.exception.message", "type: absent or null"},
			{"aggregator.reason", reason},
		} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

var today = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

func TestDLQ(t *testing.T) {
	addr, config := fakeKafka(t, "127.0.0.1:1", kfake.SeedTopics(2, "dissemination-events", "dissemination-events.dlq"))
	dlq := func(stdin string, args ...string) result {
		return call(stdin, nil, append([]string{"dlq", "-config", config}, args...)...)
	}
	if r := dlq(""); r.code != exitFine || r.out != "dissemination-events.dlq: 0 dead letters\n" || r.err != "" {
		t.Errorf("of an empty topic: %+v", r)
	}
	bury(t, addr, "missing", "missing", "syntax", "missing")
	r := dlq("")
	if want := `dissemination-events.dlq: 4 dead letters

missing: 3, first T, last T
  newest:  dissemination-events/1/3 (dead letter dissemination-events.dlq/0/3)
  message: type: absent or null
  key:     inc-1
  value:   {"id":"e-3","time":"T","incident":"A"}

syntax: 1, first T, last T
  newest:  dissemination-events/0/2 (dead letter dissemination-events.dlq/0/2)
  message: type: absent or null
  key:     inc-1
  value:   {"id":"e-2","time":"T","incident":"A"}
`; r.code != exitFine || today.ReplaceAllString(r.out, "T") != want || r.err != "" {
		t.Errorf("got %+v, want %s", r, want)
	}
	var listed struct {
		Topics  []string
		Reasons []struct {
			Reason string
			Count  int
		}
	}
	if r := dlq("", "-o", "json"); r.code != exitFine || json.Unmarshal([]byte(r.out), &listed) != nil || len(listed.Reasons) != 2 || listed.Reasons[0].Count != 3 || listed.Topics[0] != "dissemination-events.dlq" {
		t.Errorf("got %+v", r)
	}
	if r := dlq("", "-reason", "misssing"); r.code != exitFine || r.out != "" || r.err != "dlq: no dead letter of reason misssing; reasons there are: missing, syntax\n" {
		t.Errorf("got %+v", r)
	}

	bad := dlq("", "-reason", "missing")
	if bad.code != exitFine || len(lines(bad.out)) != 3 || bad.err != "dlq: 3 dead letters of reason missing\n" {
		t.Fatalf("got %+v", bad)
	}
	r = dlq(bad.out, "-replay", "-")
	if want := "stdin:1: missing: type: absent or null; send a string of 1 to 64 bytes\n"; r.code != exitFailed || r.out != "" ||
		!strings.HasPrefix(r.err, want) || !strings.HasSuffix(r.err, "dlq: nothing was sent: 3 lines cannot be put back\n") {
		t.Errorf("as they were: got %+v, want %s", r, want)
	}
	good := servers.WriteFile(t, "good.ndjson", strings.ReplaceAll(bad.out, `"incident"`, `"type":"click","incident"`))
	r = dlq("", "-replay", good, "-dry-run")
	if !strings.HasPrefix(r.err, "dlq: 3 records: to send 3, there already 0, repeats of an earlier line 0; ") || strings.Count(r.out, "to-send") != 3 {
		t.Errorf("got %+v", r)
	}
	r = dlq("", "-replay", good)
	if want := `{"line":1,"result":"sent","topic":"dissemination-events","partition":0,"offset":0,"letter":{"topic":"dissemination-events.dlq","partition":0,"offset":0}}
{"line":2,"result":"sent","topic":"dissemination-events","partition":1,"offset":0,"letter":{"topic":"dissemination-events.dlq","partition":0,"offset":1}}
{"line":3,"result":"sent","topic":"dissemination-events","partition":1,"offset":1,"letter":{"topic":"dissemination-events.dlq","partition":0,"offset":3}}
`; r.code != exitFine || r.out != want || !strings.HasPrefix(r.err, "dlq: 3 records: sent 3, there already 0") {
		t.Errorf("got %+v, want %s", r, want)
	}
	r = dlq("", "-replay", good, "-reason", "missing")
	if r.code != exitFine || !strings.HasPrefix(r.err, "dlq: 3 records: sent 0, there already 3") {
		t.Errorf("again: got %+v", r)
	}
	values := strings.Join(consume(t, addr, "dissemination-events", 3), " ")
	for i := range 2 {
		if want := fmt.Sprintf(`{"id":"e-%d","time":"2026-01-01T00:00:00Z","type":"click","incident":"A"}`, i); !strings.Contains(values, want) {
			t.Errorf("%s is not among %s", want, values)
		}
	}
}

// TestDLQFails: what is wrong with servers and files is said, with the remedy.
func TestDLQFails(t *testing.T) {
	_, config := fakeKafka(t, "127.0.0.1:1", kfake.SeedTopics(1, "dissemination-events"))
	f := func(want string, args ...string) {
		t.Helper()
		r := call("", nil, append([]string{"dlq", "-config", config}, args...)...)
		if r.code != exitFailed || r.out != "" || !strings.Contains(r.err, want) {
			t.Errorf("%q: got %+v, want %s", args, r, want)
		}
	}
	f("dissemination-events.dlq: topic does not exist: make it with `aggregator topics`")
	f("no such file", "-replay", "/nowhere/good.ndjson")
}
