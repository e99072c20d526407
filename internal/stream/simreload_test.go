package stream

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// In some histories processes have different rules, and reload others at any time, one shard after the other. In the end all have the
// first ones. The oracle follows: for each subject of each event it is told which rules decided, by the histories of the store.
//
// For that to be known, the rules have the same counters, though under other numbers, and those that clear do so alike: by whose rules
// a silent subject is cleared depends on when. And the store does not go back: what was announced by rules of before would stay.

// simRules are rules that a process may have.
type simRules struct {
	program *engine.Program
	id      string // inforce.Rules'
}

// simOwnPacks are simOwnPack and others that count the same: rules come and go, or are only tried, limits and levels change, and counters
// get other numbers.
func simOwnPacks() []string {
	measures, _, _ := strings.Cut(simOwnPack, "rules:")
	return []string{simOwnPack, measures + `rules:
  - {id: extra, title: t, cite: c, by: incident, window: 5m, step: 1m, limits: {defied: 6, readers: 9}, levels: [0.5, 1, 2]}
  - {id: clicks, title: t, cite: c, by: incident, window: 60s, step: 10s, limits: {clicks: 12}, levels: [0.5, 1], clear: 0.2}
  - {id: readers, title: t, cite: c, by: incident, window: 5m, step: 1m, limits: {readers: 6}, levels: [0.5, 1, 2], clear: 0.4}
  - {id: mixed, title: t, cite: c, by: incident, window: 2m, step: 30s, limits: {members: 300, clicks: 40}, combine: ratio, levels: [1], clear: 0.3}
  - {id: defied, title: t, cite: c, by: incident, window: 5m, step: 1m, limits: {defied: 8}, levels: [0.5, 1], clear: 0.1}
  - {id: always, title: t, cite: c, by: account, window: all, limits: {readers: 5}, levels: [0.4, 1, 2]}
  - {id: busy, title: t, cite: c, by: account, window: 60s, step: 10s, limits: {clicks: 6}, levels: [0.5, 1, 2], shadow: true}
  - {id: dry, title: t, cite: c, by: incident, window: 60s, step: 10s, limits: {clicks: 8}, levels: [0.75, 1, 2], clear: 0.3, shadow: true}
`, measures + `rules:
  - {id: tail, title: t, cite: c, by: incident, window: 2m, step: 30s, limits: {clicks: 9, members: 200}, levels: [1, 2]}
  - {id: clicks, title: t, cite: c, by: incident, window: 60s, step: 10s, limits: {clicks: 12}, levels: [0.25, 1, 2, 3], clear: 0.2}
  - {id: readers, title: t, cite: c, by: incident, window: 5m, step: 1m, limits: {readers: 6}, levels: [1], clear: 0.4}
  - {id: mixed, title: t, cite: c, by: incident, window: 2m, step: 30s, limits: {members: 300, clicks: 40}, combine: ratio, levels: [0.5, 1], clear: 0.3}
  - {id: defied, title: t, cite: c, by: incident, window: 5m, step: 1m, limits: {defied: 8}, levels: [0.25, 1], clear: 0.1}
  - {id: ever, title: t, cite: c, by: account, window: all, limits: {readers: 12}, levels: [0.5, 1]}
  - {id: dry, title: t, cite: c, by: incident, window: 60s, step: 10s, limits: {clicks: 8}, levels: [0.5, 1], clear: 0.3, shadow: true}
  - {id: busy, title: t, cite: c, by: account, window: 60s, step: 10s, limits: {clicks: 14}, levels: [0.25, 1]}
`}
}

// simSharedPacks are simSharedPack, and the same rules in another order: what is announced does not depend on whose rules decide.
func simSharedPacks() []string {
	before, rules, _ := strings.Cut(simSharedPack, "rules:\n")
	lines := strings.SplitAfter(strings.TrimSuffix(rules, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	slices.Reverse(lines)
	return []string{simSharedPack, before + "rules:\n" + strings.Join(lines, "")}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// drawRules draws by which rules a process decides.
func (w *simWorld) drawRules() *engine.Program {
	k := w.truth.kind
	if !w.reloads {
		return k.program
	}
	return k.rules[w.rnd.IntN(len(k.rules))].program
}

// simReload is a reload under way.
type simReload struct {
	*change
	sent, changed int // shards
}

// reloadTurn is a part of Service.watch: it begins to reload rules, sends them to one shard more, or ends.
func (p *simProcess) reloadTurn() {
	p.turn(&p.reload, func() {
		if p.reload == nil {
			p.beginReload(p.world.drawRules())
			return
		}
		r := p.reload
		if r.sent < len(p.in) && p.room() {
			one := *r.change
			one.workers = &workers{in: p.in[r.sent : r.sent+1]}
			one.send(p.ctx)
			r.sent++
		}
		for ; len(r.done) > 0; r.changed++ {
			<-r.done
		}
		if r.changed == len(p.in) {
			p.endReload()
		}
	})
}

func (p *simProcess) beginReload(to *engine.Program) {
	if to == p.edition.Load().program {
		return
	}
	c, err := p.beginChange(p.ctx, to)
	if err == nil {
		p.reload = &simReload{change: c}
	}
}

// endReload ends a reload, unless what is made anew with it is in the middle of a turn.
func (p *simProcess) endReload() {
	l := p.edition.Load().lister()
	if p.busy[l] || p.busy[p.janitor] {
		return
	}
	p.turn(l, func() {
		p.turn(p.janitor, func() {
			if p.endChange(p.ctx, p.reload.change) != nil {
				return
			}
			p.alignment.Allow(0)
			l.Flush(p.ctx)
			p.inForce(p.edition.Load())
			p.look()
			p.reload = nil
		})
	})
}

// agree has all processes reload the first rules.
func (w *simWorld) agree() {
	w.drain()
	for _, p := range w.processes {
		p.turn(&p.reload, func() { p.beginReload(w.truth.kind.program) })
	}
	w.drain()
}

// follow asks the oracle once more, by the rules that decided.
func (w *simWorld) follow() {
	k := w.truth.kind
	if k.shared {
		return
	}
	var histories [][]inforce.History // by partition and shard
	for p := range w.truth.events {
		var of []inforce.History
		for n := range simShards {
			h, err := inforce.ParseHistory(w.store.peek(n, w.store.Keys().AppendHistoryKey(nil, n, "events", p)))
			if err != nil {
				w.breaks(err)
			}
			of = append(of, h)
		}
		histories = append(histories, of)
	}
	w.truth = w.truth.told(func(p int, event *int) *oracle.Oracle {
		return k.oracle.Choose(func(by, subject string) int {
			h := histories[p][windowstore.ShardOf(by, []byte(subject), simShards)]
			for i := len(h) - 1; i >= 0; i-- {
				if h[i].From <= int64(*event) {
					return k.number(h[i].Rules)
				}
			}
			return 0
		})
	})
}

// number is that of the rules of an id.
func (k *simKind) number(id string) int {
	for i, r := range k.rules {
		if r.id == id {
			return i
		}
	}
	panic("rules that no process had: " + id)
}

// sameClear reports whether two records of a clear are the same except for the pack. Whoever notices that a silent subject is to be
// cleared does so.
func (w *simWorld) sameClear(id, got, want string) bool {
	return w.reloads && strings.HasSuffix(id, "/0") && withoutPack(got) == withoutPack(want)
}

func withoutPack(record string) string {
	var x map[string]any
	if err := json.Unmarshal([]byte(record), &x); err != nil {
		return record
	}
	delete(x["evidence"].(map[string]any), "pack_hash")
	return fmt.Sprint(x)
}
