package verify

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

const readersPack = `
pack: p
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: account, types: [click]}
  defied:  {sum: count, types: [click], after: stops}
  stops:   {sum: count, types: [stop]}
rules:
  - {id: r, by: incident, window: 1h, step: 1m, limits: {clicks: 2}, clear: 0.5}
  - {id: s, by: incident, window: 1h, step: 1m, limits: {readers: 9}}
  - {id: d, by: incident, window: 1h, step: 1m, limits: {defied: 9}}
`

// logOf is a log of partitions, each of clicks "incident/account@minute", or stops with "!" in front.
func logOf(partitions ...string) (log fetchtest.Log) {
	for p, events := range partitions {
		var list []records.Record
		for i, text := range strings.Fields(events) {
			kind := "click"
			if rest, stop := strings.CutPrefix(text, "!"); stop {
				text, kind = rest, "stop"
			}
			var minute int64
			text, at, _ := strings.Cut(text, "@")
			incident, account, _ := strings.Cut(text, "/")
			if _, err := fmt.Sscan(at, &minute); err != nil {
				panic(err)
			}
			list = append(list, records.Record{
				Timestamp: fetchtest.ClicksAt + minute*60_000,
				Value: fmt.Appendf(nil, `{"id":"%d-%d","time":"2026-01-01T%02d:%02d:00Z","type":%q,"incident":%q,"account":%q}`,
					p, i, minute/60, minute%60, kind, incident, account),
			})
		}
		log = append(log, list)
	}
	return log
}

// testSecret is the key of the fingerprints, of all stores.
var testSecret = engine.Secret{K0: 1}

// counted is a store in which a service has counted a log.
func counted(t *testing.T, log fetchtest.Log, program *engine.Program) *store.Mem {
	t.Helper()
	r := recountOf(t, log, 0, program)
	kept := settings.Settings{Store: r.store}
	if err := kept.Shards(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Secret(t.Context(), 1, &testSecret); err != nil {
		t.Fatal(err)
	}
	ends, to := make([]int64, len(log)), make([]position.Position, len(log))
	for p := range log {
		ends[p], to[p] = int64(len(log[p])), position.Position{Offset: int64(len(log[p]))}
	}
	apply := func() error { return r.apply(t.Context(), 0, to) }
	if err := r.read(t.Context(), ends, apply); err != nil {
		t.Fatal(err)
	}
	if err := apply(); err != nil {
		t.Fatal(err)
	}
	if err := r.shards[0].Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.store
}

// TestCompare: what the log says and what the store has are compared subject by subject. Each case is counted of one log,
// and verified against another.
func TestCompare(t *testing.T) {
	for _, x := range []struct {
		name        string
		stored, log fetchtest.Log
		differs     []string
		open        []Reason
	}{
		{"equal", logOf("A/1@1 B/2@2"), logOf("A/1@1 B/2@2"), nil, nil},
		{"missing, and extra", logOf("A/1@1 B/2@2"), logOf("A/1@1 C/2@2"), []string{
			`incident/B  record "none" "there"`,
			`incident/C  record "there" "none"`,
		}, nil},
		{"in another order among subjects", logOf("A/1@1 B/1@2 A/1@2"), logOf("A/1@1 A/1@2 B/1@2"), nil, nil},
		{"a crossing that was not announced", logOf("A/1@2 B/1@1"), logOf("A/1@2 A/1@2"), []string{
			`incident/A r value {"value":2,"at_least":false} {"value":1,"at_least":false}`,
			`incident/A r level {"level":1,"episode":1} {"level":0,"episode":1}`,
			`incident/B  record "none" "there"`,
		}, nil},
		{"an episode that ended in one", logOf("A/1@1 A/1@2 B/1@90 A/1@91"), logOf("A/1@91 A/1@1 A/1@2 B/1@90"), []string{
			`incident/A r level {"level":0,"episode":1} {"level":0,"episode":2}`,
		}, nil},
		{"a member", logOf("A/1@1 A/2@2"), logOf("A/1@1 A/3@2"), []string{
			`incident/A s members {"members":2,"others":1} {"members":2,"others":1}`,
		}, nil},
		{"a time", logOf("A/1@1 A/1@2"), logOf("A/1@1 A/1@3"), []string{
			`incident/A  time "2026-01-01T00:03:00Z" "2026-01-01T00:02:00Z"`,
			`incident/A r bucket {"bucket":"2026-01-01T00:02:00Z"} {"bucket":"2026-01-01T00:02:00Z","sum":1}`,
			`incident/A s bucket {"bucket":"2026-01-01T00:02:00Z"} {"bucket":"2026-01-01T00:02:00Z","keys":1}`,
		}, nil},
		{"the order in a partition", logOf("!A/1@1 A/1@2"), logOf("A/1@2 !A/1@1"), []string{
			`incident/A d value {"value":0,"at_least":false} {"value":1,"at_least":false}`,
		}, nil},
		{"the order between partitions", logOf("A/1@2", "!A/1@1"), logOf("!A/1@1", "A/1@2"), nil, []Reason{OpenOrder, OpenLevels}},
	} {
		program := enginetest.Compile(t, readersPack)
		var differs []string
		v, err := Run(t.Context(), Options{
			Source: x.log, Events: []string{"events"}, Program: program, Store: counted(t, x.stored, program), Log: slog.New(slog.DiscardHandler),
			Found: func(d Difference) {
				want, _ := json.Marshal(d.Want)
				got, _ := json.Marshal(d.Got)
				differs = append(differs, fmt.Sprintf("%s %s %s %s %s", d.Subject, d.Rule, d.What, want, got))
			},
		})
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		var open []Reason
		for r, n := range v.Open {
			if n > 0 {
				open = append(open, Reason(r))
			}
		}
		if !slices.Equal(differs, x.differs) || !slices.Equal(open, x.open) || v.Differences != len(differs) {
			t.Errorf("%s: differs %s, want %s; open %v, want %v; %+v", x.name, strings.Join(differs, "\n"), strings.Join(x.differs, "\n"), open, x.open, v)
		}
	}
}
