package main

import (
	"bytes"
	"compress/gzip"
	"context"
	bin "encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// clickOver crosses all levels of art3-clicks at once.
const clickOver = `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":50000}` + "\n"

const (
	badLine   = `{"id":"2","time":"2026-01-01T00:00:00Z"}` + "\n"
	aheadLine = `{"id":"3","time":"2036-01-01T00:00:00Z","type":"click","incident":"A"}` + "\n"
)

// ids are the ids of the records printed, in order.
func ids(t *testing.T, out string) string {
	t.Helper()
	var list []string
	for line := range strings.Lines(out) {
		var r struct{ ID, Rule string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if r.ID != "" {
			apitest.Crossing.Check(t, []byte(strings.TrimSpace(line)))
		} else {
			r.ID = "counts of " + r.Rule
		}
		list = append(list, r.ID)
	}
	return strings.Join(list, " ")
}

func TestReplay(t *testing.T) {
	const all = "art3-clicks/incident/A/1/0.5 art3-clicks/incident/A/1/0.8 art3-clicks/incident/A/1/1"
	f := func(input string, code int, wantIDs, wantErr string, args ...string) {
		t.Helper()
		r := call(input, nil, append([]string{"replay"}, args...)...)
		if got := ids(t, r.out); r.code != code || got != wantIDs {
			t.Errorf("%q: got %d and %s, want %d and %s", args, r.code, got, code, wantIDs)
		}
		if !strings.Contains(r.err, wantErr) {
			t.Errorf("%q: got %q, want %q", args, r.err, wantErr)
		}
	}
	f("", exitFine, "", "replay: 0 events: matched 0,")
	f(clickOver, exitFine, all, "replay: 1 event: matched 1, unmatched 0, duplicate 0, malformed 0, ahead 0;")
	f(clickOver, exitFine, all, "crossings 3;", "-")
	f(clickOver, exitFine, all+" counts of art3-clicks", "", "-counts")
	f(clickOver+clickOver, exitFine, all, "2 events: matched 1, unmatched 0, duplicate 1,", "-strict")

	// Empty lines are skipped and numbered, the last line needs no end, and lines
	// may end as Windows ends them.
	f("\n \t\r\n"+strings.TrimSuffix(clickOver, "\n"), exitFine, all, "replay: 1 event:", "-strict")
	f("\u00a0\n\f\n"+clickOver, exitFine, all, "malformed 2,") // as in a record
	f(strings.ReplaceAll("\n"+clickOver+badLine, "\n", "\r\n"), exitFailed, all, "stdin:3: type: ", "-strict")

	// What is malformed or ahead is printed, and passed over.
	f(badLine+clickOver, exitFine, all, "stdin:1: type: ")
	f(badLine+clickOver, exitFailed, all, "malformed 1,", "-strict")
	f(clickOver+aheadLine, exitFine, all, "stdin:2: time: 2036-01-01T00:00:00Z is more than max_ahead (5m0s) past now, ")
	f(clickOver+aheadLine, exitFailed, all, "ahead 1;", "-strict")
	f(clickOver+aheadLine, exitFine, all, "lies more than 5m0s (max_ahead) after 2030-01-01T00:00:00Z, which -now changes", "-now", "2030-01-01T00:00:00Z")
	f(clickOver+strings.ReplaceAll(aheadLine, "2036", "9999"), exitFine, all, "malformed 0, ahead 1;")
	f(clickOver+aheadLine, exitFine, all+" art3-clicks/incident/A/1/0", "ahead 0;", "-strict", "-now", "2036-01-01T00:00:00Z")

	// A structured CloudEvent is taken as one.
	f(`{"specversion":"1.0","id":"x","source":"/s","type":"click","time":"2026-01-01T00:00:00Z","data":{"incident":"A","count":50000}}`,
		exitFine, all, "matched 1")

	// Other packs.
	f(clickOver, exitFine, "", "matched 0, unmatched 1,", "-rules", servers.WriteFile(t, "own.yaml", ownPack))
	f(strings.ReplaceAll(clickOver, "click", "view"), exitFine, "views/incident/A/1/1", "", "-rules", servers.WriteFile(t, "own.yaml", ownPack))
	f(clickOver, exitFine, all, "", "-rules", "cn-2019-15", "-rules", servers.WriteFile(t, "own.yaml", ownPack))
}

const ownPack = `pack: own
measures:
  views: {sum: count, types: [view]}
rules:
  - {id: views, title: Views, by: incident, window: 1h, step: 1m, limits: {views: 10}, levels: [1]}
tests:
  - name: ten
    events: [{type: view, incident: A, count: 9}, {type: view, incident: A}]
    crossings: [{rule: views, subject: A, level: 1, at: 2}]
`

// TestReplayHints: a hint at what is probably meant comes once.
func TestReplayHints(t *testing.T) {
	f := func(input string, want ...string) {
		t.Helper()
		r := call(input, nil, "replay")
		var got []string
		for line := range strings.Lines(r.err) {
			if hint, ok := strings.CutPrefix(line, "hint: "); ok {
				got = append(got, hint)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("got %q", got)
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("got %q, want %q", got[i], want[i])
			}
		}
	}
	f(clickOver)
	f(badLine)
	f(strings.ReplaceAll(clickOver, "click", "order")) // a usual type, which no rule counts
	f(strings.ReplaceAll(clickOver, "incident", "incident_id")+strings.ReplaceAll(strings.ReplaceAll(clickOver, "incident", "x"), `"1"`, `"2"`),
		`no rule counts this event of the type "click": it would need `)
	f(strings.ReplaceAll(clickOver, "click", "clik")+strings.ReplaceAll(clickOver, `"1"`, `"2"`), `no rule counts the type "clik", which is none of the usual ones; did you mean "click"?`)
	f(strings.ReplaceAll(clickOver, "click", "something-else"), `no rule counts the type "something-else", which is none of the usual ones; `)
	f("{\n  \"id\": \"1\"\n}\n", "there is one event a line here")
	f("["+strings.TrimSpace(clickOver)+"]\n[]\n", "there is one event a line here; to make lines of an array: jq -c '.[]' | aggregator replay")
	f("["+strings.Repeat(strings.TrimSpace(clickOver)+",", 1000), "there is one event a line here; to make lines of an array: ")
	f("\uFEFF"+clickOver+clickOver, "to take the byte order mark off the file: tail -c +4 | aggregator replay")
}

// TestReplayOtherFile: the form of a file that is no text is printed once, with what makes lines of it.
func TestReplayOtherFile(t *testing.T) {
	var events strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&events, `{"id":"%x","time":"2026-01-01T00:00:00Z","type":"click","incident":"%x"}`+"\n", rand.Uint64(), i)
	}
	text := events.String()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	var wide []byte
	for _, unit := range utf16.Encode([]rune("\uFEFF" + text)) {
		wide = bin.LittleEndian.AppendUint16(wide, unit)
	}
	f := func(name, content, reason, command string) {
		t.Helper()
		file := servers.WriteFile(t, name, content)
		r := call("", nil, "replay", file)
		lines := strings.Split(strings.TrimSpace(r.err), "\n")
		if r.code != exitFine || r.out != "" || !strings.HasPrefix(lines[0], file+":1: the value is ") || len(lines) < 4 || len(lines) > 4+strings.Count(content, "\n")/40 ||
			lines[1] != "hint: the file is not lines of JSON, it begins as "+reason+" does: "+command+" "+file+" | aggregator replay" {
			t.Errorf("got %d, %q, %d lines: %.2000s", r.code, r.out, len(lines), r.err)
		}
		if r := call("", nil, "replay", "-strict", file); r.code != exitFailed {
			t.Errorf("got %+v", r)
		}
		if r := call(content, nil, "replay"); !strings.Contains(r.err, ": "+command+" | aggregator replay\n") {
			t.Errorf("got %s", r.err)
		}
	}
	f("events.gz", zipped.String(), "gzip", "zcat")
	f("events.txt", string(wide), "utf-16", "iconv -f UTF-16 -t UTF-8")
	// Nor is a file printed line by line, where many of its lines begin as something known.
	if r := call("\x1f\x8b\x08\n"+strings.Repeat("[\n", 1_000), nil, "replay"); strings.Count(r.err, "\n") > 30 || !strings.Contains(r.err, "980 lines more malformed") {
		t.Errorf("got %.3000s", r.err)
	}
	// A line that is named, or an event, is not hidden by the first line.
	r := call("\x1f\x8b\x08\nx\n\x28\xb5\x2f\xfd\n"+clickOver+aheadLine, nil, "replay")
	for _, want := range []string{"stdin:1: ", "stdin:3: the value is compressed by zstd", "stdin:5: time: ", "replay: 1 line more malformed,", "matched 1, unmatched 0, duplicate 0, malformed 3, ahead 1;"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("got %s, want %s", r.err, want)
		}
	}
}

func TestReplayFile(t *testing.T) {
	file := servers.WriteFile(t, "events.ndjson", badLine+clickOver)
	r := call("", nil, "replay", file)
	if r.code != exitFine || !strings.Contains(r.err, file+":1: type: ") || strings.Count(r.out, "\n") != 3 {
		t.Errorf("got %+v", r)
	}
	r = call("", nil, "replay", "/nowhere/events.ndjson")
	if r.code != exitFailed || r.out != "" || !strings.Contains(r.err, "no such file") {
		t.Errorf("got %+v", r)
	}
	r = call("", nil, "replay", t.TempDir())
	if r.code != exitFailed || !strings.Contains(r.err, "is a directory") {
		t.Errorf("got %+v", r)
	}
}

// TestReplayConfig: a config's packs and the way it takes events in.
func TestReplayConfig(t *testing.T) {
	own := servers.WriteFile(t, "own.yaml", ownPack)
	config := servers.WriteFile(t, "c.yaml", "rules: {packs: [], files: ["+own+"]}\ncloudevents: {types: {com.example.view: view}}\ndedupe: {window: 1s}\n")
	views := `{"specversion":"1.0","id":"x","source":"/s","type":"com.example.view","time":"2026-01-01T00:00:00Z","data":{"incident":"A","count":9}}
{"id":"1","time":"2026-01-01T00:00:01Z","type":"view","incident":"A"}
{"id":"1","time":"2026-01-01T00:00:03Z","type":"view","incident":"A"}
`
	r := call(views, nil, "replay", "-config", config)
	if got := ids(t, r.out); got != "views/incident/A/1/1" || !strings.Contains(r.err, "matched 3,") {
		t.Errorf("got %+v", r)
	}
	r = call(views, []string{"AGGREGATOR_DEDUPE_WINDOW=10m"}, "replay", "-config", config)
	if !strings.Contains(r.err, "matched 2, unmatched 0, duplicate 1,") {
		t.Errorf("got %+v", r)
	}
}

// TestLongLines: a line of any length is one malformed line, and takes no memory.
func TestLongLines(t *testing.T) {
	pad := func(n int) string {
		return clickOver[:len(clickOver)-2] + `,"x":"` + strings.Repeat("x", n-len(clickOver)-6) + `"}`
	}
	f := func(n int, end, want string) {
		t.Helper()
		r := call(pad(n)+end+clickOver, nil, "replay")
		if r.code != exitFine || !strings.Contains(r.err, want) || strings.Count(r.out, "\n") != 3 {
			t.Errorf("%d bytes: got %d, %s", n, r.code, r.err)
		}
	}
	f(event.MaxSize, "\n", "2 events: matched 1, unmatched 0, duplicate 1, malformed 0,")
	f(event.MaxSize, "\r\n", "2 events: matched 1, unmatched 0, duplicate 1, malformed 0,")
	f(event.MaxSize+1, "\n", "stdin:1: the value is larger than 65,536 bytes")
	f(event.MaxSize+1, "\r\n", "matched 1, unmatched 0, duplicate 0, malformed 1,")
	f(longestLine, "\n", "matched 1, unmatched 0, duplicate 0, malformed 1,")
	f(5_000_000, "\n", "matched 1, unmatched 0, duplicate 0, malformed 1,")
	r := call(pad(event.MaxSize)+"\r", nil, "replay") // no line's end
	if !strings.Contains(r.err, "1 event: matched 0, unmatched 0, duplicate 0, malformed 1,") {
		t.Errorf("got %s", r.err)
	}
	r = call(pad(5_000_000), nil, "replay")
	if !strings.Contains(r.err, "1 event: matched 0, unmatched 0, duplicate 0, malformed 1,") {
		t.Errorf("got %s", r.err)
	}
}

// TestReplayFollows: what is known is printed while input is waited for.
func TestReplayFollows(t *testing.T) {
	in, feed := io.Pipe()
	out := &servers.Output{}
	code := make(chan int, 1)
	go func() { code <- run(context.Background(), []string{"replay"}, in, out, io.Discard, nil) }()
	if _, err := io.WriteString(feed, clickOver); err != nil {
		t.Fatal(err)
	}
	out.Await(t, limit, "third crossing", func(s string) bool { return strings.Count(s, "\n") == 3 })
	_ = feed.Close()
	if got := <-code; got != exitFine {
		t.Errorf("got %d", got)
	}
}

func TestReplayReadError(t *testing.T) {
	in, feed := io.Pipe()
	feed.CloseWithError(io.ErrUnexpectedEOF)
	var err strings.Builder
	if code := run(context.Background(), []string{"replay"}, in, io.Discard, &err, nil); code != exitFailed || !strings.Contains(err.String(), "read stdin: unexpected EOF") {
		t.Errorf("got %d, %s", code, err.String())
	}
}
