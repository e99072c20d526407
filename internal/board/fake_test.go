package board

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/overview"
	"github.com/seed-afe14ff2/aggregator/internal/stream/roster"
	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

const packText = `
pack: example
measures:
  clicks: {sum: count, types: [click]}
  readers: {distinct: account, types: [view, click]}
rules:
  - {id: clicks, title: Clicks, cite: art. 1, by: incident, window: 30d, step: 1d, limits: {clicks: 100, readers: 50}, levels: [0.5, 1], clear: 0.4}
  - {id: ever, by: incident, window: all, limits: {readers: 1000}}
  - {id: own, by: account, window: 1h, step: 1m, limits: {clicks: 10}, combine: at-least-1}
tests:
  - {name: ten of one account, events: [{type: click, account: A, count: 10}], crossings: [{rule: own, subject: A, level: 0.8, at: 1}, {rule: own, subject: A, level: 1, at: 1}]}
`

// site is a board in front of fakes.
type site struct {
	t *testing.T
	*Board
	url     string
	tail    *tail.Tail
	sources *Sources
	fakes   *fakes
	source  *ends
}

// ends is where partitions of the crossings end, as Kafka says. Nothing else is asked.
type ends struct {
	tail.Source
	at map[int]int64
}

func (e *ends) Partitions(context.Context, string) (int, error) { return len(e.at), nil }

func (e *ends) Offsets(_ context.Context, _ string, p int) (start, end int64, err error) {
	return 0, e.at[p], nil
}

// fakes is what the board asks, except for the crossings.
type fakes struct {
	mu     sync.Mutex
	err    error // of all
	o      overview.Overview
	detail map[string]*inspect.Detail // by kind/id
}

func (f *fakes) Read(context.Context) (*overview.Overview, error) { return &f.o, f.failure() }

func (f *fakes) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *fakes) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakes) Detail(_ context.Context, kind thresholds.Kind, id string) (*inspect.Detail, error) {
	return f.detail[kind.String()+"/"+id], f.failure()
}

// Nearest has nothing, and so no cursor is one of its.
func (f *fakes) Nearest(_ context.Context, _ listing.Filter, _ int, cursor string) (listing.Page, error) {
	if cursor != "" {
		return listing.Page{}, listing.ErrCursor
	}
	return listing.Page{}, f.failure()
}

func (f *fakes) Counts(context.Context, ...thresholds.Level) (map[string][]int, error) {
	return map[string][]int{"clicks": {7, 2}, "ever": {0, 0}, "own": {0, 0}}, f.failure()
}

func (f *fakes) Rows(_ context.Context, standings []inspect.Standing) (rows []listing.Row, err error) {
	for _, s := range standings {
		rows = append(rows, listing.Row{Standing: s})
	}
	return rows, f.failure()
}

var errDown = errors.New("redis: connection refused")

func newSite(t *testing.T) *site {
	t.Helper()
	program := enginetest.Compile(t, packText)
	s := &site{t: t, fakes: &fakes{detail: map[string]*inspect.Detail{}}, source: &ends{at: map[int]int64{}}}
	s.tail = tail.New(tail.Options{Source: s.source, Topic: "threshold-crossings", Most: 100})
	s.Board = New(Process{Version: "1.2.3", Revision: "abc", Group: "aggregator", Started: time.Now(), Rules: Rules{Loaded: time.Now()}})
	s.fakes.o = overview.Overview{
		StreamTime: 1_767_225_600_000_000_000,
		Partitions: []overview.Partition{
			{Topic: "events", Owner: "aggregator at 127.0.0.1", Offset: 7, End: 9, Lag: 2, Oldest: time.Now().Add(-time.Minute).UnixMilli()},
			{Topic: "events", Partition: 1, Offset: -1, End: 3, Lag: -1, Oldest: engine.NoTime},
		},
		Outbox: overview.Outbox{Entries: 1, Oldest: time.Now().Add(-time.Second).UnixMilli()},
	}
	s.tail.Took(0) // it is read to its end
	s.sources = &Sources{
		Program: program, Announced: Announced{Topic: "threshold-crossings", Crossings: s.tail}, Overview: s.fakes, Subjects: s.fakes, Nearest: s.fakes,
		Rates: func() *roster.Rates { return &roster.Rates{Events: 10.04} }, Unannounced: func() map[string]int { return map[string]int{"clicks": 2} },
	}
	s.Connect(s.sources)
	mux := http.NewServeMux()
	s.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(s.Stop)
	s.url = server.URL
	return s
}

// cross puts a crossing into the topic.
func (s *site) cross(partition int, offset int64, at time.Time, record string) {
	s.tail.Took(partition, tail.Record{Offset: offset, Timestamp: at.UnixMilli(), Value: []byte(record)})
}

// crossingOf is the record of a crossing by the program's code.
func (s *site) record(rule, subject string, level thresholds.Level, episode uint64) string {
	for r := range s.sources.Program.Rules {
		if r.ID == rule {
			values := make([]thresholds.Value, len(r.Limits))
			for i := range values {
				values[i].Value = r.Limits[i].Value
			}
			c := thresholds.Crossing{Rule: r, Subject: subject, Level: level, Episode: episode, Values: values, From: time.Unix(0, 0), Time: 1e18, Detected: 1e18, Event: "e", Topic: "events"}
			record := c.AppendJSON(nil)
			apitest.Crossing.Check(s.t, record)
			return string(record)
		}
	}
	s.t.Fatal("no rule " + rule)
	return ""
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// get asks for a path, and holds the answer against the document.
func (s *site) get(path string) answer {
	s.t.Helper()
	return s.ask(http.MethodGet, path)
}

func (s *site) ask(method, path string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	documented(s.t, req, res)
	return answer{res.StatusCode, res.Header, string(body)}
}

// documented holds an answer against the document. Nobody may keep it.
func documented(t *testing.T, req *http.Request, res *http.Response) {
	t.Helper()
	apitest.CheckAnswer(t, req, res)
	if req.Method != http.MethodGet || strings.HasSuffix(req.URL.Path, "/") {
		return
	}
	if cache := res.Header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("%s: Cache-Control %q", req.URL, cache)
	}
}

// TestDocument: the document is one of OpenAPI 3.1.
func TestDocument(t *testing.T) {
	ok, faults := apitest.OpenAPI(t).ValidateDocument()
	for _, f := range faults {
		t.Errorf("%s: %s %v", f.Message, f.Reason, f.SchemaValidationErrors)
	}
	if !ok {
		t.Error("the document is none")
	}
}

// newTail is a tail of which nothing was read.
func newTail(t *testing.T) *tail.Tail {
	t.Helper()
	return tail.New(tail.Options{Topic: "threshold-crossings"})
}
