package deadletters

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// TestPutBack: records go into their partitions, in their order, as they are in the file. What the log has is not sent.
func TestPutBack(t *testing.T) {
	b := newBrokers(2, 3)
	b.Log[1] = append(b.Log[1], records.Record{Timestamp: b.at, Value: []byte(click("resent"))})
	lines := []string{
		lineOf(1, 0, click("a")), "", lineOf(0, 1, click("b")),
		`{"topic":"events","partition":1,"offset":2,"value":` + click("resent") + `}`,
		lineOf(1, 1, click("a")), // of a dead letter that was written twice
		lineOf(0, 2, click("a")), // the same id in another partition is another event
		`{"topic":"events","partition":0,"offset":2,"key":"\u0000","headers":[{"name":"h","value":"1"},{"name":"aggregator.reason","value":"x"}],"value_base64":"` +
			"eyJpZCI6ImMiLCJ0aW1lIjoiMjAyNi0wMS0wMVQwMDowMDowMFoiLCJ0eXBlIjoiY2xpY2sifQ==" + `"}`,
	}
	results, totals, err := b.put(t, lines...)
	if want := []string{"4 there 1/3", "5 repeated", "1 sent 1/4", "3 sent 0/3", "6 sent 0/4", "7 sent 0/5"}; err != nil || !slices.Equal(results, want) {
		t.Errorf("got %q, %v, want %q", results, err, want)
	}
	if totals != (Totals{Records: 6, Sent: 4, There: 1, Repeated: 1}) || totals.Left() != 0 {
		t.Errorf("got %+v", totals)
	}
	last := b.Log[0][5]
	if string(last.Key) != "\x00" || string(last.Value) != `{"id":"c","time":"2026-01-01T00:00:00Z","type":"click"}` ||
		fmt.Sprintf("%s", last.Headers) != "[{h 1}]" || string(b.Log[1][4].Value) != click("a") || string(b.Log[1][4].Key) != "k" {
		t.Errorf("got %q, %q, %s", last.Key, last.Value, last.Headers)
	}

	// Once more, long after the window in which repeats are recognised.
	b.at += (24 * time.Hour).Milliseconds()
	results, totals, err = b.put(t, lines...)
	if want := []string{"1 there 1/4", "4 there 1/3", "5 repeated", "3 there 0/3", "6 there 0/4", "7 there 0/5"}; err != nil || !slices.Equal(results, want) ||
		totals != (Totals{Records: 6, There: 5, Repeated: 1}) {
		t.Errorf("again: got %q, %+v, %v, want %q", results, totals, err, want)
	}
}

// TestPutBackLooksBack: what came shortly before the refused record counts as there, as the service would have had it. What came
// long before does not.
func TestPutBackLooksBack(t *testing.T) {
	b := newBrokers(1, 0)
	for i, minutes := range []int64{0, 55, 60} {
		b.Log[0] = append(b.Log[0], records.Record{Timestamp: b.at + minutes*60_000, Value: []byte(click(fmt.Sprint(i)))})
	}
	b.Log[0] = append(b.Log[0], records.Record{Timestamp: b.at + 60*60_000, Value: []byte("x")})
	if results, _, err := b.put(t, lineAt(0, 3, time.Hour, click("0")), lineAt(0, 3, time.Hour, click("1"))); err != nil || !slices.Equal(results, []string{"2 there 0/1", "1 sent 0/4"}) {
		t.Errorf("got %q, %v", results, err)
	}
}

// TestPutBackElsewhere: a topic that was made anew is looked through from its start.
func TestPutBackElsewhere(t *testing.T) {
	b := newBrokers(1, 0)
	b.Log[0] = append(b.Log[0], records.Record{Timestamp: b.at, Value: []byte(click("a"))})
	if results, _, err := b.put(t, lineOf(0, 1_000, click("a")), lineOf(0, 1_001, click("b"))); err != nil || !slices.Equal(results, []string{"1 there 0/0", "2 sent 0/1"}) {
		t.Errorf("got %q, %v", results, err)
	}
}

// TestPutBackTaken: what the service would take by now, as under a larger max_ahead, was still refused then. So the original does not count
// as there, however often its producer has sent it, but what was put back does.
func TestPutBackTaken(t *testing.T) {
	for _, line := range []func(offset int64, value string) string{
		func(offset int64, value string) string { return lineOf(0, offset, value) },
		func(offset int64, value string) string { // somebody took the time out
			return fmt.Sprintf(`{"topic":"events","partition":0,"offset":%d,"value":%s}`, offset, value)
		},
	} {
		b := newBrokers(1, 1)
		for range 2 {
			b.Log[0] = append(b.Log[0], records.Record{Timestamp: b.at, Value: []byte(click("a"))})
		}
		b.Log[0] = append(b.Log[0], records.Record{Timestamp: b.at + 2_000, Value: []byte(click("b"))}) // by a clock that is ahead
		lines := []string{line(1, click("a")), line(2, click("a")), line(3, click("b"))}
		b.at += time.Hour.Milliseconds()
		if results, _, err := b.put(t, lines...); err != nil || !slices.Equal(results, []string{"2 repeated", "1 sent 0/4", "3 sent 0/5"}) {
			t.Errorf("got %q, %v", results, err)
		}
		if results, _, err := b.put(t, lines...); err != nil || !slices.Equal(results, []string{"1 there 0/4", "2 repeated", "3 there 0/5"}) {
			t.Errorf("again: got %q, %v", results, err)
		}
	}
}

// TestPutBackAnew: in a topic that was made anew offsets say nothing, however long it has become since.
func TestPutBackAnew(t *testing.T) {
	for _, line := range []string{lineOf(0, 100, click("a")), `{"topic":"events","partition":0,"offset":100,"value":` + click("a") + `}`} {
		b := newBrokers(1, 1)
		b.at += time.Hour.Milliseconds()
		if results, _, err := b.put(t, line); err != nil || !slices.Equal(results, []string{"1 sent 0/1"}) {
			t.Errorf("got %q, %v", results, err)
		}
		for i := range 200 {
			b.at += time.Hour.Milliseconds()
			b.Log[0] = append(b.Log[0], records.Record{Timestamp: b.at, Value: []byte(click(fmt.Sprint(i)))})
		}
		if results, _, err := b.put(t, line); err != nil || !slices.Equal(results, []string{"1 there 0/1"}) {
			t.Errorf("again: got %q, %v", results, err)
		}
	}

	// What was put back comes to lie where the original was.
	b := newBrokers(1, 1)
	b.at += time.Hour.Milliseconds()
	for _, want := range []string{"1 sent 0/1", "1 there 0/1"} {
		if results, _, err := b.put(t, lineOf(0, 1, click("a"))); err != nil || !slices.Equal(results, []string{want}) {
			t.Errorf("got %q, %v, want %q", results, err, want)
		}
	}
}

// TestPutBackDryRun sends nothing, and says what it would send.
func TestPutBackDryRun(t *testing.T) {
	b := newBrokers(1, 1)
	var results []string
	p := b.putter(func(o *Outcome) error {
		results = append(results, string(o.AppendJSON(nil)))
		return nil
	})
	p.DryRun, p.Reason = true, "missing"
	text := lineOf(0, 0, click("a")) + "\n" + strings.Replace(lineOf(0, 0, "{}"), "missing", "syntax", 1)
	if refused, err := p.Read(t.Context(), strings.NewReader(text)); err != nil || refused != nil {
		t.Fatal(refused, err)
	}
	err := p.Run(t.Context())
	if want := `{"line":1,"result":"to-send","topic":"events","partition":0}` + "\n"; err != nil || strings.Join(results, "") != want || len(b.Log[0]) != 1 ||
		p.Totals != (Totals{Records: 1, Sent: 1, Passed: 1}) {
		t.Errorf("got %q, %+v, %v", results, p.Totals, err)
	}
}

// TestRefused: what the service would refuse is refused before anything is sent, by the same reason.
func TestRefused(t *testing.T) {
	f := func(reason, want, line string) {
		t.Helper()
		b := newBrokers(2, 1)
		p := b.putter(nil)
		refused, err := p.Read(t.Context(), strings.NewReader(lineOf(0, 0, click("a"))+"\n\n"+line+"\n"+lineOf(1, 0, click("a"))))
		if err != nil || len(refused) != 1 || refused[0].Line != 3 || refused[0].Reason != reason || !strings.Contains(refused[0].Err.Error(), want) {
			t.Errorf("%.80s: got %+v, %v, want %s: %s", line, refused, err, reason, want)
		}
	}
	f(event.ReasonMissing, "id: absent or null", lineOf(0, 0, `{}`))
	f(event.ReasonEmpty, "", `{"topic":"events","partition":0,"offset":0}`)
	f(event.ReasonWrongType, "count", lineOf(0, 0, strings.Replace(click("a"), "{", `{"count":1.5,`, 1)))
	f(event.ReasonArray, "", lineOf(0, 0, "["+click("a")+"]"))
	f(event.ReasonSyntax, "", lineOf(0, 0, `"x"`))
	f(event.ReasonRegistry, "", `{"topic":"events","partition":0,"offset":0,"value_base64":"AAAAAAd7fQ=="}`)
	f(event.ReasonAhead, "past the record's Kafka timestamp", lineOf(0, 0, strings.Replace(click("a"), "00:00:00Z", "00:05:01Z", 1)))
	f(event.ReasonTooLarge, "", lineOf(0, 0, strings.Replace(click("a"), "{", `{"x":"`+strings.Repeat("x", event.MaxSize)+`",`, 1)))
	headers := strings.Repeat(`{"name":"h"},`, records.MaxHeaders)
	f(event.ReasonTooLarge, "1001 headers", `{"topic":"events","partition":0,"offset":0,"headers":[`+headers+`{"name":"h"}],"value":`+click("a")+`}`)
	f(event.ReasonTooLarge, "1 headers of 65541 bytes", `{"topic":"events","partition":0,"offset":0,"headers":[{"name":"h","value":"`+strings.Repeat("x", records.MaxHeaderBytes)+`"}],"value":`+click("a")+`}`)
	f(event.ReasonTooLarge, "a key of 65537 bytes", `{"topic":"events","partition":0,"offset":0,"key":"`+strings.Repeat("x", keyMost+1)+`","value":`+click("a")+`}`)
	f(event.ReasonCloudEvents, "", `{"topic":"events","partition":0,"offset":0,"headers":[{"name":"ce_specversion","value":"0.3"}],"value":`+click("a")+`}`)
	f("", `topic "others" is not one of kafka.events (events)`, strings.Replace(lineOf(0, 0, click("a")), "events", "others", 1))
	f("", "there is no partition 2: events has 2", lineOf(2, 0, click("a")))
	f("", "not a line", "{")

	// The longest line, and one more byte.
	p := newBrokers(1, 0).putter(nil)
	long := strings.Repeat(" ", LongestLine)
	if refused, err := p.Read(t.Context(), strings.NewReader("\n"+long)); err != nil || len(refused) != 1 || refused[0].Line != 2 || !strings.Contains(refused[0].Err.Error(), "longer than 8,388,608 bytes") {
		t.Errorf("got %+v, %v", refused, err)
	}
}

// TestPutBackBroken: whenever sending fails or breaks off, with what was under way in the log or not, a run that comes to its end
// leaves each event there once.
func TestPutBackBroken(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) { putBackBroken(t, seed) })
	}
}

func putBackBroken(t *testing.T, seed uint64) {
	const events = 40
	rng := rand.New(rand.NewPCG(seed, 1))
	b := newBrokers(2, events)
	b.most = 1 + rng.IntN(10)
	b.fails = func() (before, after error) {
		errs := []error{io.ErrUnexpectedEOF, kafka.NotLeaderForPartition, kafka.TopicAuthorizationFailed, nil, nil, nil, nil}
		return errs[rng.IntN(len(errs))], errs[rng.IntN(len(errs))]
	}
	var lines []string
	for i := range events {
		lines = append(lines, lineOf(i%2, int64(i), click(fmt.Sprint(i))))
	}
	sent := 0
	for runs := 0; ; runs++ {
		_, totals, err := b.put(t, lines...)
		sent += totals.Sent
		if err == nil && totals.Left() == 0 {
			break
		}
		if err == nil || totals.Left() == 0 || runs > 1_000 || !strings.Contains(err.Error(), "put line") {
			t.Fatalf("seed %d: %+v, %v", seed, totals, err)
		}
		b.at += rng.Int64N(time.Hour.Milliseconds())
	}
	for p := range b.Log {
		if n := len(b.Log[p]) - events; n != events/2 {
			t.Errorf("seed %d: partition %d has %d events of %d", seed, p, n, events/2)
		}
	}
	if sent > events {
		t.Errorf("seed %d: it says that it sent %d", seed, sent)
	}
}

// TestPutBackUnheard: when nobody can be told what was sent, nothing more is.
func TestPutBackUnheard(t *testing.T) {
	b := newBrokers(2, 1)
	p := b.putter(func(*Outcome) error { return io.ErrClosedPipe })
	if _, err := p.Read(t.Context(), strings.NewReader(lineOf(0, 0, click("a"))+"\n"+lineOf(1, 0, click("b")))); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context()); !errors.Is(err, io.ErrClosedPipe) || len(b.Log[1]) != 1 {
		t.Errorf("got %v, and %d records in the second partition", err, len(b.Log[1]))
	}
}

// TestPutBackTooLargeAlone: a record that the topic does not take is named by its line.
func TestPutBackTooLargeAlone(t *testing.T) {
	b := newBrokers(1, 1)
	b.fails = func() (before, after error) { return kafka.MessageSizeTooLarge, nil }
	_, totals, err := b.put(t, lineOf(0, 0, click("a")), lineOf(0, 0, click("b")))
	if !errors.Is(err, kafka.MessageSizeTooLarge) || !strings.Contains(err.Error(), "put line 1 back") || totals.Left() != 2 {
		t.Errorf("got %v, %+v", err, totals)
	}
}
