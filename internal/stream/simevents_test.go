package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// simKind is a kind of world.
type simKind struct {
	name    string
	program *engine.Program // the first of
	rules   []simRules
	oracle  *oracle.Oracle // that has seen nothing
	intake  engine.IntakeOptions
	shared  bool // several partitions feed a subject
	forgets bool // there are pauses after which subjects are forgotten
	begins  bool // the group begins within the log, and partitions come later
	events  func(rnd *rand.Rand) [][]sentEvent
}

// simOwnPack slides, clears and counts after orders.
const simOwnPack = `
pack: own
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: recipient, types: [click, send]}
  members: {distinct: group, weight: members, types: [share]}
  orders:  {sum: count, types: [order]}
  defied:  {sum: count, types: [click], after: orders}
rules:
  - {id: clicks, title: t, cite: c, by: incident, window: 60s, step: 10s, limits: {clicks: 12}, levels: [0.25, 0.5, 1, 2], clear: 0.2}
  - {id: readers, title: t, cite: c, by: incident, window: 5m, step: 1m, limits: {readers: 6}, levels: [0.5, 1, 2], clear: 0.4}
  - {id: mixed, title: t, cite: c, by: incident, window: 2m, step: 30s, limits: {members: 300, clicks: 40}, combine: ratio, levels: [0.5, 1], clear: 0.3}
  - {id: defied, title: t, cite: c, by: incident, window: 5m, step: 1m, limits: {defied: 8}, levels: [0.5, 1], clear: 0.1}
  - {id: busy, title: t, cite: c, by: account, window: 60s, step: 10s, limits: {clicks: 10}, levels: [0.5, 1, 2]}
  - {id: ever, title: t, cite: c, by: account, window: all, limits: {readers: 12}, levels: [0.25, 0.5, 1]}
  - {id: dry, title: t, cite: c, by: incident, window: 60s, step: 10s, limits: {clicks: 8}, levels: [0.5, 1], clear: 0.3, shadow: true}
`

// simSharedPack has windows so wide that the order between partitions plays no part.
const simSharedPack = `
pack: shared
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: recipient, types: [click, send]}
  members: {distinct: group, weight: members, types: [share]}
rules:
  - {id: clicks, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: 20}, levels: [0.25, 0.5, 0.75, 1, 2, 3]}
  - {id: mixed, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: 40, members: 500}, combine: ratio, levels: [0.5, 1, 2]}
  - {id: readers, title: t, cite: c, by: account, window: 730d, step: 1d, limits: {readers: 8}, levels: [0.5, 1, 2]}
  - {id: ever, title: t, cite: c, by: account, window: all, limits: {readers: 20, clicks: 20}, combine: all, levels: [0.5, 1]}
  - {id: dry, title: t, cite: c, by: account, window: 730d, step: 1d, limits: {readers: 6}, levels: [0.5, 1, 3], shadow: true}
`

// simKinds are the kinds of world, made once.
func simKinds(t *testing.T) []*simKind {
	var kinds []*simKind
	for _, small := range []bool{false, true} {
		for partitions := 1; partitions <= 3; partitions += 2 {
			for _, forgets := range []bool{false, true} {
				s := simStory{partitions: partitions, late: partitions == 1, pauses: forgets}
				k := &simKind{name: fmt.Sprintf("own by %d, small %v, forgets %v", partitions, small, forgets), forgets: forgets, events: s.own}
				kinds = append(kinds, k.compile(t, small, simOwnPacks()...))
				if partitions > 1 {
					b := &simKind{name: fmt.Sprintf("behind by %d, small %v, forgets %v", partitions, small, forgets), forgets: forgets, events: s.behind}
					kinds = append(kinds, b.compile(t, small, simOwnPacks()...))
				}
			}
			s := simStory{partitions: 2 + partitions/2}
			k := &simKind{name: fmt.Sprintf("shared by %d, small %v", s.partitions, small), shared: true, events: s.shared}
			kinds = append(kinds, k.compile(t, small, simSharedPacks()...))
		}
		s := simStory{partitions: 3}
		k := &simKind{name: fmt.Sprintf("begun within the log, small %v", small), shared: true, begins: true, events: s.shared}
		kinds = append(kinds, k.compile(t, small, simSharedPacks()...))
	}
	return kinds
}

func (k *simKind) compile(t *testing.T, small bool, packs ...string) *simKind {
	var texts [][]byte
	for _, pack := range packs {
		p := compile(t, pack)
		for i := range p.Kinds {
			if small {
				p.Kinds[i].Layout.Sizes = windows.Sizes{Inline: 2, Chunk: 3, History: 8}
			}
		}
		texts, k.rules = append(texts, []byte(pack)), append(k.rules, simRules{program: p})
	}
	k.program = k.rules[0].program
	k.intake = engine.IntakeOptions{DedupeWindow: 30 * time.Second}
	if k.shared {
		k.intake.DedupeWindow = time.Hour
	}
	var err error
	k.oracle, err = oracle.Options{DedupeWindow: k.intake.DedupeWindow}.Variants(texts...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range k.rules {
		r := inforce.Of(k.rules[i].program, k.intake)
		k.rules[i].id = r.ID()
	}
	return k
}

// simStory draws events.
type simStory struct {
	partitions int
	late       bool // events for rules that clear may be late
	pauses     bool
}

// simEra is when a story begins: by the events' times, and by their records', which are not before 1970.
type simEra struct{ now, stamp time.Time }

// simEras are today, and where the numbers of times turn: around 1970, and at the first and the last time that an event may have.
var simEras = []simEra{
	{date(2026, 5, 1), date(2026, 5, 1)},
	{date(2026, 5, 1), date(2026, 5, 1)},
	{date(1960, 2, 29), date(2026, 5, 1)},
	{date(1970, 1, 1).Add(-time.Minute), date(2026, 5, 1)},
	{date(1678, 1, 5), date(2026, 5, 1)},
	{date(2261, 11, 1), date(2261, 11, 1)},
}

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

// simIncidents is how many incidents a partition has.
const simIncidents = 3

// after is the era so much later.
func (e simEra) after(d time.Duration) simEra { return simEra{e.now.Add(d), e.stamp.Add(d)} }

// simTeller tells the story of one partition.
type simTeller struct {
	*simStory
	simEra
	rnd       *rand.Rand
	partition int
	ids       int
	lags      [simIncidents]time.Duration // how far each incident runs behind
	events    []sentEvent
}

// own draws events of which each subject has those of one partition only. Where there are
// several partitions, only what cannot clear may be late, and nothing runs behind: when an episode ends then depends on
// how far the others are.
func (s *simStory) own(rnd *rand.Rand) [][]sentEvent {
	var all [][]sentEvent
	begin := simEras[rnd.IntN(len(simEras))]
	end := begin
	for p := range s.partitions {
		t := &simTeller{simStory: s, rnd: rnd, partition: p, simEra: begin}
		t.lead()
		for range 5 + rnd.IntN(70/(1+s.partitions)) {
			t.pass()
			t.tell()
		}
		all = append(all, t.events)
		if t.now.After(end.now) {
			end = t.simEra
		}
	}
	s.end(rnd, all, end)
	return all
}

// behind draws events of which each subject has those of one partition only, and all but the first of each partition, which
// are of one time, run behind those: the stream's time, if it is known, is the same wherever the partitions are.
func (s *simStory) behind(rnd *rand.Rand) [][]sentEvent {
	var all [][]sentEvent
	lead := simEras[rnd.IntN(len(simEras))].after(12 * 24 * time.Hour)
	for p := range s.partitions {
		story := *s
		story.late = true
		t := &simTeller{simStory: &story, rnd: rnd, partition: p, simEra: lead}
		t.lead()
		t.now = t.now.Add(-time.Duration(11*24*3600) * time.Second)
		for range 5 + rnd.IntN(20) {
			if t.pass(); t.now.After(lead.now) {
				break
			}
			t.tell()
		}
		all = append(all, t.events)
	}
	s.end(rnd, all, lead)
	return all
}

// end ends all partitions together, after an era, so that the stream's time is the same for all.
func (s *simStory) end(rnd *rand.Rand, all [][]sentEvent, end simEra) {
	end = end.after(time.Duration(1+rnd.IntN(600)) * time.Second)
	if s.pauses {
		end = end.after(40 * time.Hour)
	}
	for p := range all {
		v := fmt.Sprintf(`{"id":"end","time":%q,"type":"click","incident":"end-%d"}`, end.now.Format(time.RFC3339), p)
		all[p] = append(all[p], sentEvent{value: []byte(v), millis: end.stamp.UnixMilli()})
	}
}

// lead adds an event of the time that it is, of a subject of its own: what runs behind is measured by that. Otherwise a subject that seems
// not to be behind would be, at a leap, and might be forgotten before its next event.
func (t *simTeller) lead() {
	v := fmt.Sprintf(`{"id":"lead%d-%d","time":%q,"type":"click","incident":"lead-%d"}`, t.partition, len(t.events), t.now.Format(time.RFC3339), t.partition)
	t.events = append(t.events, sentEvent{value: []byte(v), millis: t.stamp.UnixMilli()})
}

// pass moves the time, mostly a little.
func (t *simTeller) pass() {
	var d int
	switch x := t.rnd.IntN(100); {
	case x < 80:
		d = t.rnd.IntN(4)
	case x < 95:
		d = 10 + t.rnd.IntN(30)
	case x < 99 || !t.pauses:
		d = 60 + t.rnd.IntN(400)
	default:
		d = 30*3600 + t.rnd.IntN(36000)
	}
	if t.simEra = t.after(time.Duration(d) * time.Second); d >= 30*3600 && t.partitions == 1 {
		t.lead()
	}
}

// canary adds an event that the service sent to itself.
func (t *simTeller) canary() {
	id := engine.AppendCanaryID(nil, simSecret, t.partition, t.now.UnixNano())
	v := fmt.Sprintf(`{"id":%q,"time":%q,"type":"canary","incident":"i%d-0"}`, id, t.now.Format(time.RFC3339Nano), t.partition)
	t.events = append(t.events, sentEvent{value: []byte(v), millis: t.stamp.UnixMilli()})
}

// tell adds an event, or what is none.
func (t *simTeller) tell() {
	if t.rnd.IntN(12) == 0 {
		t.canary()
		return
	}
	at := t.now
	id := t.ids
	t.ids++
	if id > 0 && t.rnd.IntN(8) == 0 {
		id = t.rnd.IntN(id) // a repeat, perhaps of a repeat, perhaps too late to be known as one
	}
	var b strings.Builder
	if x := t.rnd.IntN(100); x < 85 {
		if t.rnd.IntN(10) == 0 {
			at = at.Add(-time.Duration(t.rnd.IntN(400)) * time.Second)
		}
		if at.Equal(t.now) || t.late {
			i := t.rnd.IntN(simIncidents)
			at = at.Add(-t.lag(i))
			fmt.Fprintf(&b, `,"incident":"i%d-%d"`, t.partition, i)
		}
	} else if x < 88 {
		at = t.stamp.Add(10 * time.Minute) // ahead
	}
	if t.rnd.IntN(10) < 7 {
		fmt.Fprintf(&b, `,"account":"a%d-%d"`, t.partition, t.rnd.IntN(3))
	}
	t.matter(&b)
	t.add(id, at, b.String())
}

// lag is how far an incident runs behind, which changes now and then. Where there are pauses it only becomes less: after one a
// subject may have been forgotten, and with it that it has seen newer events.
func (t *simTeller) lag(incident int) time.Duration {
	if t.partitions > 1 {
		return 0
	}
	if x := &t.lags[incident]; *x == 0 || t.rnd.IntN(10) == 0 {
		most := []int{1, 600, 4 * 3600}[t.rnd.IntN(3)]
		if t.pauses {
			most *= 24
		}
		d := time.Duration(1+t.rnd.IntN(most)) * time.Second
		if t.pauses && *x > 0 {
			d = min(d, *x)
		}
		*x = d
	}
	return t.lags[incident]
}

// matter writes what an event is about.
func (t *simTeller) matter(b *strings.Builder) {
	switch x := t.rnd.IntN(100); {
	case x < 50:
		fmt.Fprintf(b, `,"type":"click","recipient":"r%d"`, t.rnd.IntN(40))
		if x < 10 {
			fmt.Fprintf(b, `,"count":%d`, 1+t.rnd.IntN(30))
		}
	case x < 75:
		fmt.Fprintf(b, `,"type":"send","recipient":"r%d"`, t.rnd.IntN(40))
	case x < 88:
		fmt.Fprintf(b, `,"type":"share","group":"g%d","members":%d`, t.rnd.IntN(8), 10+t.rnd.IntN(190))
	case x < 96:
		b.WriteString(`,"type":"order"`)
	case x < 98:
		b.WriteString(`,"type":"canary"`) // that the service did not send
	default:
		b.WriteString(`,"type":"other"`)
	}
}

func (t *simTeller) add(id int, at time.Time, rest string) {
	v := fmt.Sprintf(`{"id":"%d-%d","time":%q%s}`, t.partition, id, at.Format(time.RFC3339), rest)
	if t.rnd.IntN(30) == 0 {
		v = v[:len(v)-1-t.rnd.IntN(5)] // no JSON
	}
	stamp := t.stamp.Add(time.Duration(t.rnd.IntN(2000)-1000) * time.Millisecond)
	t.events = append(t.events, sentEvent{value: []byte(v), millis: stamp.UnixMilli()})
}

// shared draws events of subjects that all partitions feed, over some weeks, in no order.
func (s *simStory) shared(rnd *rand.Rand) [][]sentEvent {
	var all [][]sentEvent
	begin := simEras[rnd.IntN(len(simEras))]
	for p := range s.partitions {
		t := &simTeller{simStory: s, rnd: rnd, partition: p, simEra: begin.after(31 * 24 * time.Hour)}
		for range 5 + rnd.IntN(16) {
			if rnd.IntN(12) == 0 {
				t.canary()
				continue
			}
			id := t.ids
			t.ids++
			if id > 0 && rnd.IntN(8) == 0 {
				id = rnd.IntN(id)
			}
			var b strings.Builder
			fmt.Fprintf(&b, `,"incident":"i%d","account":"a%d"`, rnd.IntN(4), rnd.IntN(3))
			t.matter(&b)
			t.add(id, t.now.Add(-time.Duration(rnd.IntN(30*24*3600))*time.Second), b.String())
		}
		all = append(all, t.events)
	}
	return all
}
