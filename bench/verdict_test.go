//go:build linux

package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
)

// pair is a rule of testdata/plain.yaml and an incident that reaches its limit.
type pair struct{ rule, subject string }

// crossing is what a system announces: a pair, and the event that crossed, if the system names it.
type crossing struct {
	pair
	event string // id; "": not named
}

func crossingOf(rule string, e *event.Event) crossing {
	return crossing{pair{rule, string(e.Str[event.Incident])}, string(e.ID)}
}

// readCrossing reads a record of the aggregator, of the oracle or of a peer.
func readCrossing(text []byte) (crossing, error) {
	var r struct {
		Rule, Subject, Event string
		Evidence             struct{ Event string }
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return crossing{}, fmt.Errorf("read crossing %q: %w", text, err)
	}
	return crossing{pair{r.Rule, r.Subject}, r.Event + r.Evidence.Event}, nil
}

// origin is where a crossing comes from.
type origin struct {
	event     string // id
	partition int
	offset    int64
}

// expected is what a system has to announce of a backlog.
type expected map[pair]origin

// before is what is to be announced of the records before the ends of the partitions.
func (e expected) before(ends []int64) expected {
	part := expected{}
	for key, at := range e {
		if at.offset < ends[at.partition] {
			part[key] = at
		}
	}
	return part
}

// verdict is how far what a system announced is from what is expected.
type verdict struct {
	missed, untrue, repeated int  // pairs
	elsewhere                int  // pairs with another event
	blind                    bool // no event is named
}

// judge compares what was announced with what is expected.
func (e expected) judge(announced []crossing) *verdict {
	v := &verdict{blind: len(announced) > 0}
	seen := map[pair]bool{}
	for _, c := range announced {
		at, known := e[c.pair]
		v.blind = v.blind && c.event == ""
		switch {
		case seen[c.pair]:
			v.repeated++
		case !known:
			v.untrue++
		case c.event != "" && c.event != at.event:
			v.elsewhere++
		}
		seen[c.pair] = true
	}
	for key := range e {
		if !seen[key] {
			v.missed++
		}
	}
	return v
}

// exact reports whether everything expected was announced, once, and nothing else.
func (v *verdict) exact() bool { return v.missed+v.untrue+v.repeated+v.elsewhere == 0 }

func (v *verdict) String() string {
	elsewhere := fmt.Sprint(v.elsewhere)
	if v.blind {
		elsewhere = "not told"
	}
	return fmt.Sprintf("%d / %d / %d / %s", v.missed, v.untrue, v.repeated, elsewhere)
}

// worst is the first verdict of several that is not exact, otherwise the first.
func worst(runs []figures) string {
	text := "-"
	for _, f := range runs {
		if f.verdict != nil && (text == "-" || !f.verdict.exact()) {
			text = f.verdict.String()
			if !f.verdict.exact() {
				break
			}
		}
	}
	return text
}

// askOracle lets the oracle count a backlog, and beside it the definition of another window.
func askOracle(b testing.TB, c gen.Config) (exact expected, other *flinkCounter) {
	b.Helper()
	pack, err := os.ReadFile("testdata/plain.yaml")
	if err != nil {
		b.Fatal(err)
	}
	o, err := oracle.New(pack)
	if err != nil {
		b.Fatal(err)
	}
	exact, other = expected{}, &flinkCounter{}
	offsets := make([]int64, partitions)
	var r gen.Record
	for g := gen.New(c); g.Next(&r); offsets[r.Partition]++ {
		for _, made := range o.ApplyTo(r.Partition, r.Value, r.TimeMillis) {
			crossed, err := readCrossing(made.JSON())
			if err != nil {
				b.Fatal(err)
			}
			exact[crossed.pair] = origin{crossed.event, r.Partition, offsets[r.Partition]}
		}
		other.add(r.Value)
	}
	return exact, other
}

func TestJudge(t *testing.T) {
	known := expected{{"clicks", "a"}: {"1", 0, 5}, {"clicks", "b"}: {"2", 1, 5}}
	f := func(want string, crossings ...crossing) {
		t.Helper()
		if got := known.judge(crossings).String(); got != want {
			t.Errorf("%v: got %s, want %s", crossings, got, want)
		}
	}
	a, b := crossing{pair{"clicks", "a"}, "1"}, crossing{pair{"clicks", "b"}, "2"}
	f("0 / 0 / 0 / 0", a, b)
	f("0 / 0 / 0 / not told", crossing{a.pair, ""}, crossing{b.pair, ""})
	f("2 / 0 / 0 / 0")
	f("1 / 0 / 1 / 0", a, a)
	f("1 / 1 / 0 / 0", a, crossing{pair{"accounts", "b"}, "2"})
	f("0 / 0 / 0 / 1", a, crossing{b.pair, "3"})
	if part := known.before([]int64{6, 5}); len(part) != 1 || part[a.pair].event != "1" {
		t.Errorf("before: got %v", part)
	}
}
