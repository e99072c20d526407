package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/verify"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// changes are what may be changed in calmPack: limits, levels, clears, how measures are combined, what is counted at all.
var changes = [][2]string{
	{"limits: {clicks: 200}", "limits: {clicks: 60}"},
	{"levels: [0.1, 0.5, 0.8, 1, 2], clear: 0.08", "levels: [0.2, 1], clear: 0.15"},
	{"limits: {readers: 20}, levels: [0.5, 1], clear: 0.3", "limits: {readers: 10}"},
	{"limits: {readers: 4}, clear: 0.9", "limits: {readers: 1}, levels: [1]"},
	{"combine: ratio", "combine: all"},
	{"limits: {defied: 20}, clear: 0.1", "limits: {defied: 4}, clear: 0.5"},
	{"window: 4h, step: 10m, limits: {clicks: 10}, clear: 0.5", "window: 2h, step: 10m, limits: {clicks: 5}, clear: 0.3"},
	{"limits: {members: 1000}}", "limits: {members: 100}, clear: 0.4}"},
	{"  - {id: ever, by: account, window: all, limits: {clicks: 60}}\n", ""},
	{"  - {id: few, by: incident, window: 12h, step: 1h, limits: {readers: 4}, clear: 0.9}\n", ""},
	{"types: [share]}", "types: [share, other]}"},
}

// variant is rules as a process may have them.
type variant struct {
	pack   string
	intake engine.IntakeOptions
}

// drawVariant draws some changes.
func drawVariant(rnd *rand.Rand) variant {
	e := variant{pack: calmPack}
	for _, c := range changes {
		if rnd.IntN(4) == 0 {
			e.pack = strings.Replace(e.pack, c[0], c[1], 1)
		}
	}
	if rnd.IntN(3) == 0 {
		e.intake.DedupeWindow = time.Second
	}
	return e
}

// TestVerifyAfterChanges: rules that change again and again, by a start or a reload, are no difference, whichever of them verify is
// given. Two processes of different rules share the partitions now and then.
func TestVerifyAfterChanges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, partitions := range []int{1, 3} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, uint64(partitions)))
			r := newRig(t, partitions, compile(t, calmPack))
			store := windowstore.NewMem(DefaultShards)
			const stages = 6
			events := calm(rnd, 6_000, partitions)
			variants := []variant{{pack: calmPack}, drawVariant(rnd), drawVariant(rnd)}
			for stage := range stages {
				now := variants[rnd.IntN(len(variants))]
				p := r.start(store, now.of(t))
				var other *process
				if partitions > 1 && rnd.IntN(2) == 0 {
					other = r.start(store, variants[rnd.IntN(len(variants))].of(t))
				}
				for i, e := range events {
					r.send(i, e[stage*len(e)/stages:(stage+1)*len(e)/stages]...)
					for range rnd.IntN(3) { // what decides of an event that it is one, or a repeat, is no rule
						if err := p.s.Reload(t.Context(), compile(t, variants[rnd.IntN(len(variants))].pack)); err != nil {
							t.Fatal(err)
						}
					}
				}
				r.counted()
				p.end(t)
				if other != nil {
					other.end(t)
				}
				for n, e := range append(variants, drawVariant(rnd)) {
					r.agrees(t, store, fmt.Sprintf("stage %d by variant %d", stage, n), e)
				}
			}
		})
	}
}

// of has a process decide by the variant.
func (e variant) of(t *testing.T) func(*Options) {
	return func(o *Options) { o.Program, o.Intake = compile(t, e.pack), e.intake }
}

// agrees wants verify, by an variant, to find no difference.
func (r *rig) agrees(t *testing.T, store windowstore.Store, what string, e variant) {
	t.Helper()
	v, found := r.verified(store, func(o *verify.Options) { o.Program, o.Intake = compile(t, e.pack), e.intake })
	t.Logf("%s: %d counters, %d levels, open %v, %d earlier", what, v.Counters, v.Levels, v.Open, len(v.Earlier))
	for _, d := range found[:min(len(found), 5)] {
		t.Errorf("%s: %+v", what, d)
	}
}

// TestVerifyTakenBefore: an event that only rules of before counted, before the first one of its subject that those of now count. By
// them the subject is older, and the time of no level is known.
func TestVerifyTakenBefore(t *testing.T) {
	r := newRig(t, 1, compile(t, calmPack))
	before := variant{pack: strings.Replace(calmPack, "types: [share]}", "types: [share, other]}", 1)}
	store := windowstore.NewMem(DefaultShards)
	p := r.start(store, before.of(t))
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	send := func(id, typ string, minute time.Duration) {
		at := day.Add(minute * time.Minute)
		r.send(0, sentEvent{millis: at.UnixMilli(), value: fmt.Appendf(nil, `{"id":%q,"time":%q,"account":"u","type":%q,"group":"g","members":9}`,
			id, at.Format(time.RFC3339Nano), typ)})
		r.counted()
	}
	send("a", "other", 1)
	if err := p.s.Reload(t.Context(), compile(t, calmPack)); err != nil {
		t.Fatal(err)
	}
	send("b", "click", 2)
	p.end(t)
	for _, e := range []variant{{pack: calmPack}, before} {
		r.agrees(t, store, "", e)
	}
}

// TestVerifyClearedBefore: rules of before counted an event that moved the stream's time, by which an episode ended before an event came
// that lies before that end. By the rules of now it goes on.
func TestVerifyClearedBefore(t *testing.T) {
	r := newRig(t, 1, compile(t, calmPack))
	before := variant{pack: strings.Replace(calmPack, "types: [share]}", "types: [share, other]}", 1)}
	store := windowstore.NewMem(DefaultShards)
	p := r.start(store, before.of(t))
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	send := func(account, typ string, at, came time.Duration) {
		r.send(0, sentEvent{millis: day.Add(came).UnixMilli(), value: fmt.Appendf(nil, `{"id":"%s-%v","time":%q,"account":%q,"type":%q,"count":10,"group":"g","members":9}`,
			account, at, day.Add(at).Format(time.RFC3339Nano), account, typ)})
	}
	send("u", "click", 0, 0) // "busy" reaches its limit, and clears at 04:10
	send("v", "other", 5*time.Hour, 5*time.Hour)
	send("u", "click", 4*time.Hour+5*time.Minute, 5*time.Hour+time.Minute)
	r.counted()
	p.end(t)
	for what, e := range map[string]variant{"now": {pack: calmPack}, "before": before} {
		r.agrees(t, store, what, e)
	}
}
