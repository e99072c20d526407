package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/verify"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// verified is what Verify says of a store, with the differences it finds.
func (r *rig) verified(store windowstore.Store, change func(*verify.Options)) (verify.Result, []verify.Difference) {
	r.tb.Helper()
	var found []verify.Difference
	log, end := r.kafka.Source()
	defer end()
	o := verify.Options{
		Source: log, Events: r.kafka.Events, Program: r.program, Store: store, Log: slog.New(slog.DiscardHandler),
		Found: func(d verify.Difference) { found = append(found, d) },
	}
	if change != nil {
		change(&o)
	}
	v, err := verify.Run(r.tb.Context(), o)
	if err != nil {
		r.tb.Fatal(err)
	}
	if v.Differences != len(found) {
		r.tb.Errorf("%d differences, %d were told", v.Differences, len(found))
	}
	return v, found
}

// calmPack has windows for which the gaps of calm are short, so that partitions wait little for each other.
const calmPack = `
pack: calm
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: account, types: [click, view]}
  members: {distinct: group, weight: members, types: [share]}
  orders:  {sum: count, types: [order]}
  defied:  {sum: count, types: [click], after: orders}
rules:
  - {id: clicks, by: incident, window: 6h, step: 10m, limits: {clicks: 200}, levels: [0.1, 0.5, 0.8, 1, 2], clear: 0.08}
  - {id: readers, by: incident, window: 8h, step: 10m, limits: {readers: 20}, levels: [0.5, 1], clear: 0.3}
  - {id: few, by: incident, window: 12h, step: 1h, limits: {readers: 4}, clear: 0.9}
  - {id: mixed, by: incident, window: 5h, step: 10m, limits: {clicks: 100, members: 5000}, combine: ratio, clear: 0.2}
  - {id: defied, by: incident, window: 6h, step: 5m, limits: {defied: 20}, clear: 0.1}
  - {id: busy, by: account, window: 4h, step: 10m, limits: {clicks: 10}, clear: 0.5}
  - {id: seen, by: account, window: 4h, step: 10m, limits: {members: 1000}}
  - {id: ever, by: account, window: all, limits: {clicks: 60}}
`

// calm makes events some 30 s apart of incidents that come and go, by partition: accounts are fed
// by several, incidents by one.
func calm(rnd *rand.Rand, n, partitions int) [][]sentEvent {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	out := make([][]sentEvent, partitions)
	for i := range n {
		p := rnd.IntN(partitions)
		at = at.Add(time.Duration(rnd.IntN(60_000)) * time.Millisecond)
		t := at.Add(-time.Duration(rnd.IntN(300_000)) * time.Millisecond)
		if rnd.IntN(100) == 0 {
			t = at.Add(-time.Duration(rnd.IntN(10)) * time.Hour)
		}
		if made := out[p]; len(made) > 0 && rnd.IntN(50) == 0 {
			out[p] = append(made, made[max(0, len(made)-1-rnd.IntN(10))])
			continue
		}
		kind := []string{"click", "click", "click", "click", "view", "share", "order", "other"}[rnd.IntN(8)]
		out[p] = append(out[p], sentEvent{millis: at.UnixMilli(), value: fmt.Appendf(nil,
			`{"id":"e%d","time":%q,"incident":"inc-%d","account":"u%d","type":%q,"group":"g%d","members":%d}`,
			i, t.Format(time.RFC3339Nano), 12*p+(i/400+rnd.IntN(3))%12, rnd.IntN(60), kind, rnd.IntN(30), rnd.IntN(500))})
	}
	return out
}

func TestVerifyFindsNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, partitions := range []int{1, 3} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			r := newRig(t, partitions, compile(t, calmPack))
			for p, events := range calm(rand.New(rand.NewPCG(seed, 1)), 8_000, partitions) {
				r.send(p, events...)
			}
			r.nothingDiffers(t)
		})
	}
}

// nothingDiffers runs the service over what was sent, in memory, and wants verify to find no difference.
func (r *rig) nothingDiffers(t *testing.T) verify.Result {
	t.Helper()
	store := windowstore.NewMem(DefaultShards)
	p := r.start(store, nil)
	r.counted()
	p.end(t)
	v, found := r.verified(store, nil)
	t.Logf("%+v", v)
	for _, d := range found[:min(len(found), 10)] {
		t.Errorf("%+v", d)
	}
	return v
}

// countedCalm runs the service over calm events until all are counted, in a real Redis.
func countedCalm(t *testing.T, partitions int) (*rig, *redisstore.Store) {
	t.Helper()
	redis := servers.Redis(t, servers.RedisOptions{})
	store, err := redisstore.New(t.Context(), redisstore.Options{Addrs: []string{redis.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	r := newRig(t, partitions, compile(t, calmPack))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for p, events := range calm(rand.New(rand.NewPCG(seed, 1)), 3_000, partitions) {
		r.send(p, events...)
	}
	p := r.start(store, nil)
	r.counted()
	p.end(t)
	return r, store
}

func (r *rig) reader(store windowstore.Store) *inspect.Reader {
	return &inspect.Reader{Program: r.program, Store: store, Shards: DefaultShards}
}

// damage changes what is stored of a subject.
func (r *rig) damage(store windowstore.Store, kind thresholds.Kind, id string, change func(s *windows.Subject)) {
	r.tb.Helper()
	where, record, err := r.reader(store).Record(r.tb.Context(), kind, id)
	if err != nil || record == nil {
		r.tb.Fatalf("%v/%s: %v, record of %d bytes", kind, id, err, len(record))
	}
	s, err := windows.DecodeSubject(&r.program.Kinds[kind].Layout, record)
	if err != nil {
		r.tb.Fatal(err)
	}
	for _, p := range s.Missing(nil) {
		part := store.Keys().AppendPartKey(nil, where.Shard, s.PartID(nil, p), kind.String(), []byte(id))
		values, err := store.Load(r.tb.Context(), where.Shard, [][]byte{part}, nil)
		if err == nil {
			err = s.Load(p, values[0])
		}
		if err != nil {
			r.tb.Fatal(err)
		}
	}
	change(s)
	put := func(key, value []byte) {
		if err := store.Put(r.tb.Context(), where.Shard, key, value); err != nil {
			r.tb.Fatal(err)
		}
	}
	for _, p := range s.Dirty(nil) {
		put(store.Keys().AppendPartKey(nil, where.Shard, s.PartID(nil, p), kind.String(), []byte(id)), s.AppendPart(nil, p))
	}
	put(where.Key, s.AppendRecord(nil, shard.NewVersion(), 1))
}

// invent stores a subject of one click, of which the log knows nothing.
func (r *rig) invent(store windowstore.Store, id string, at int64) {
	r.tb.Helper()
	where, _, err := r.reader(store).Record(r.tb.Context(), thresholds.Incident, id)
	if err != nil {
		r.tb.Fatal(err)
	}
	incidents := &r.program.Kinds[thresholds.Incident]
	s := windows.NewSubject(&incidents.Layout)
	s.Touch(at)
	s.Advance(at)
	s.Add(incidents.Rules[0].Counters[0], at, 0, 1)
	if err := store.Put(r.tb.Context(), where.Shard, where.Key, s.AppendRecord(nil, shard.NewVersion(), 1)); err != nil {
		r.tb.Fatal(err)
	}
}

// TestVerifyFindsDamage: a counter, a level, a member and a record that were changed
// by hand are found, one that was made up as well, and nothing else.
func TestVerifyFindsDamage(t *testing.T) {
	r, store := countedCalm(t, 1)
	if v, found := r.verified(store, nil); len(found) > 0 || v.Subjects == 0 || v.Counters == 0 || v.Levels == 0 {
		t.Fatalf("%+v, differences %+v", v, found)
	}
	incidents := &r.program.Kinds[thresholds.Incident]
	readers := incidents.Rules[1].Counters[0]
	newest := func(s *windows.Subject) int64 { now, _ := s.Time(); return now }
	r.damage(store, thresholds.Incident, "inc-7", func(s *windows.Subject) {
		r.invent(store, "made-up", newest(s))
		s.Add(incidents.Rules[0].Counters[0], newest(s), 0, 1)
	})
	r.damage(store, thresholds.Incident, "inc-8", func(s *windows.Subject) { s.Add(readers, newest(s), 42, 1) })
	r.damage(store, thresholds.Account, "u1", func(s *windows.Subject) { s.SetRuleState(2, windows.RuleState{Level: 8000, Episode: 3}) })
	if err := r.reader(store).Forget(t.Context(), thresholds.Account, "u2"); err != nil {
		t.Fatal(err)
	}
	_, found := r.verified(store, nil)
	var got []string
	for _, d := range found {
		line, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", line)
		got = append(got, fmt.Sprintf("%s %s %s %s", d.Subject, d.Rule, d.Measure, d.What))
	}
	slices.Sort(got)
	want := []string{
		"account/u1 ever  level", "account/u2   record", "incident/inc-7 clicks clicks value", "incident/inc-8 readers readers value",
		"incident/made-up   record",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// TestVerifyWhileCounting: a service that goes on counting is compared at the places where it is.
func TestVerifyWhileCounting(t *testing.T) {
	r, store := countedCalm(t, 2)
	p := r.start(store, nil)
	more := calm(rand.New(rand.NewPCG(1, 2)), 6_000, 2)
	const pieces = 100
	at := func(e []sentEvent, part int) []sentEvent { return e[part*len(e)/pieces : (part+1)*len(e)/pieces] }
	var moved atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var feeder sync.WaitGroup
	feeder.Go(func() {
		for part := range pieces {
			r.send(0, at(more[0], part)...)
			r.send(1, at(more[1], part)...)
			if moved.Add(1); ctx.Err() != nil {
				return
			}
		}
	})
	eventually(t, 60*time.Second, func() bool { return moved.Load() > 3 })
	for range 3 {
		v, found := r.verified(store, nil)
		t.Logf("%+v, %d pieces sent", v, moved.Load())
		for _, d := range found[:min(len(found), 5)] {
			t.Errorf("%+v", d)
		}
	}
	stop()
	feeder.Wait()
	p.end(t)
}

// TestVerifyFromATime: what is older than the log as it was read is not compared, and that is said;
// what is younger is.
func TestVerifyFromATime(t *testing.T) {
	r, store := countedCalm(t, 1)
	from := func(o *verify.Options) { o.From = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC) }
	v, found := r.verified(store, from)
	t.Logf("%+v", v)
	if len(found) > 0 {
		t.Fatalf("differences %+v", found)
	}
	if v.Records >= 3_000 || v.Open[verify.OpenOld] == 0 || v.Open[verify.OpenLevels] == 0 || v.Counters == 0 {
		t.Errorf("%+v", v)
	}
	i := r.program.Kinds[thresholds.Incident].Rules[0].Counters[0]
	r.damage(store, thresholds.Incident, "inc-8", func(s *windows.Subject) { now, _ := s.Time(); s.Add(i, now, 0, 1) })
	if _, found := r.verified(store, from); len(found) != 1 || found[0].Subject != "incident/inc-8" {
		t.Errorf("found %+v", found)
	}
}

// TestVerifyOfAnother: with other rules than the service's that is said, and topics that it did not read are refused.
func TestVerifyOfAnother(t *testing.T) {
	r, store := countedCalm(t, 1)
	if v, _ := r.verified(store, nil); v.OtherRules {
		t.Errorf("the service's own rules are others: %+v", v)
	}
	others := compile(t, strings.Replace(calmPack, "window: 6h, step: 10m", "window: 12h, step: 10m", 1))
	if v, _ := r.verified(store, func(o *verify.Options) { o.Program = others }); !v.OtherRules {
		t.Errorf("%+v", v)
	}
	log, end := r.kafka.Source()
	defer end()
	o := verify.Options{Source: log, Events: []string{"crossings"}, Program: r.program, Store: store, Log: discard, Found: func(verify.Difference) {}}
	if v, err := verify.Run(t.Context(), o); !errors.Is(err, verify.ErrOtherTopics) {
		t.Errorf("%+v, error %v", v, err)
	}
}

// TestVerifyUnsureClear: an event that came after the date of a clear, which the stream's time made due before it, or
// did not, as far as the log can tell: then the level is not compared, and that is said.
func TestVerifyUnsureClear(t *testing.T) {
	r := newRig(t, 2, compile(t, `
pack: p
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, by: incident, window: 10h, step: 1h, limits: {clicks: 10}, clear: 0.5}]
`))
	click := func(id string, hour, count int, incident string, millis int64) sentEvent {
		return sentEvent{millis: millis, value: fmt.Appendf(nil,
			`{"id":%q,"time":"2026-01-01T%02d:00:00Z","type":"click","incident":%q,"count":%d}`, id, hour, incident, count)}
	}
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	store := windowstore.NewMem(DefaultShards)
	p := r.start(store, nil)
	r.send(0, click("a", 1, 10, "X", day))
	r.counted() // partitions that are caught up do not wait for each other
	r.send(0, click("b", 14, 1, "Y", day))
	r.counted()
	r.send(1, click("c", 14, 1, "Z", day+10_000)) // came before d, and says that it came after it
	r.counted()
	eventually(t, 60*time.Second, func() bool { return len(slices.Concat(r.read("crossings")...)) == 3 }) // 0.8, 1 and the clear
	r.send(0, click("d", 11, 8, "X", day+1))
	r.counted()
	p.end(t)
	if n := len(slices.Concat(r.read("crossings")...)); n != 4 {
		t.Fatalf("%d crossings, want 4: the event did not come behind the clear", n)
	}
	v, found := r.verified(store, nil)
	t.Logf("%+v", v)
	if len(found) > 0 || v.Open[verify.OpenLevels] != 1 {
		t.Errorf("found %+v, %d levels open", found, v.Open[verify.OpenLevels])
	}
}

// TestVerifyBehind: verify finds no difference in a store that counted a backlog which came customer by customer.
func TestVerifyBehind(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, partitions := range []int{1, 3} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			r := newRig(t, partitions, compile(t, enginetest.LaggingPack))
			now := time.Now().UnixMilli()
			for i, lines := range enginetest.Customers(rand.New(rand.NewPCG(seed, 1)), 200) {
				var events []sentEvent
				for _, line := range lines {
					events = append(events, sentEvent{value: []byte(line), millis: now})
				}
				r.send(i%partitions, events...)
			}
			v := r.nothingDiffers(t)
			if partitions == 1 && v.Open != ([verify.NumReasons]int{}) {
				t.Error("of one partition all can be compared")
			}
		})
	}
}
