package engine_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// BenchmarkApply applies one event of the generator's mix, decoded and matched before, to subjects
// in memory. An event that no counter takes costs nothing here.
//
//	growing  begins with no subjects, again and again after 200,000 events over three hours
//	steady   goes on with the subjects of the pass before, later by its span
//	years    is steady with events over two years, so that windows of days are full
//	rules    has so many rules that share two counters
//
// On a busy machine cpu-ns/op is to be trusted, not ns/op.
func BenchmarkApply(b *testing.B) {
	plain, err := os.ReadFile("../../bench/testdata/plain.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for _, pack := range []struct{ name, text string }{{"plain", string(plain)}, {"default", enginetest.Builtin(b, "cn-2019-15")}} {
		p := enginetest.Compile(b, pack.text)
		hours := newApplied(b, p, 3*time.Hour)
		b.Run(pack.name+"/growing", func(b *testing.B) { hours.bench(b, true) })
		b.Run(pack.name+"/steady", func(b *testing.B) { hours.bench(b, false) })
	}
	for _, rules := range []int{1, 50, 200} {
		many := newApplied(b, enginetest.Compile(b, manyRules(rules)), 3*time.Hour)
		b.Run(fmt.Sprint("rules/", rules), func(b *testing.B) { many.bench(b, false) })
	}
	years := newApplied(b, enginetest.Compile(b, enginetest.Builtin(b, "cn-2019-15")), 730*24*time.Hour)
	b.Run("default/years", func(b *testing.B) { years.bench(b, false) })
}

// manyRules is a pack of so many rules that share two counters.
func manyRules(n int) string {
	var text strings.Builder
	text.WriteString("pack: many\nmeasures:\n  clicks: {sum: count, types: [click]}\n  accounts: {distinct: account, types: [click]}\nrules:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - {id: r%d, by: incident, window: 1h, step: 1m, limits: {clicks: %d, accounts: 900000}, levels: [1]}\n", i, 1_000_000+i)
	}
	return text.String()
}

// applied is a stretch of events as operations, and the subjects in memory that
// they are applied to.
type applied struct {
	program  *engine.Program
	span     int64 // ns
	ops      []appliedOp
	adds     []engine.Addition
	text     []byte // subjects' ids and events' ids
	ends     []int  // by event: how many operations it and those before it have
	apply    engine.Applier
	subjects map[string]*engine.Subject
	crossed  int
	name     []byte
	op       engine.Operation
}

// appliedOp is an operation whose slices are stretches of applied's.
type appliedOp struct {
	engine.Operation
	newest int64 // ns, this event's included
}

const appliedEvents = 200_000

func newApplied(b *testing.B, p *engine.Program, span time.Duration) *applied {
	b.Helper()
	a := &applied{program: p, span: int64(span)}
	in := engine.NewIntake(p, engine.Secret{}, engine.IntakeOptions{})
	var r gen.Record
	for g := gen.New(gen.Config{Seed: 42, Events: appliedEvents, Span: span, Repeats: -1}); g.Next(&r); {
		if err := in.Decoder.Decode(&in.Event, r.Value); err != nil {
			b.Fatal(err)
		}
		ops, _ := in.Operations()
		for i := range ops {
			a.keep(ops[i], in.Newest)
		}
		a.ends = append(a.ends, len(a.ops))
	}
	return a
}

// keep puts an operation at the end of the stretch.
func (a *applied) keep(o engine.Operation, newest int64) {
	o.ID, o.Event = a.copied(o.ID), a.copied(o.Event)
	from := len(a.adds)
	a.adds = append(a.adds, o.Adds...)
	o.Adds = a.adds[from:]
	a.ops = append(a.ops, appliedOp{o, newest})
}

func (a *applied) copied(b []byte) []byte {
	from := len(a.text)
	a.text = append(a.text, b...)
	return a.text[from:]
}

func (a *applied) begin() {
	a.subjects = map[string]*engine.Subject{}
	a.apply = engine.Applier{Program: a.program, Emit: func(*engine.Subject, *thresholds.Crossing) { a.crossed++ }}
}

// event applies event n of the stretch, later by shift.
func (a *applied) event(n int, shift int64) {
	from := 0
	if n > 0 {
		from = a.ends[n-1]
	}
	for i := from; i < a.ends[n]; i++ {
		a.op = a.ops[i].Operation
		a.op.Time += shift
		newest := a.ops[i].newest + shift
		a.apply.Apply(a.subject(&a.op), &a.op, engine.Moment{Time: newest, Known: newest})
	}
}

func (a *applied) subject(o *engine.Operation) *engine.Subject {
	a.name = append(append(a.name[:0], byte(o.Kind)), o.ID...)
	if s, ok := a.subjects[string(a.name)]; ok {
		return s
	}
	s := engine.NewSubject(windows.NewSubject(&a.program.Kinds[o.Kind].Layout), o.Kind, string(o.ID))
	a.subjects[string(a.name)] = s
	return s
}

func (a *applied) bench(b *testing.B, growing bool) {
	a.begin()
	pass := func(shift int64) {
		for n := range a.ends {
			a.event(n, shift)
		}
	}
	shift := int64(0)
	if !growing {
		pass(shift)
		shift += a.span
	}
	b.ReportAllocs()
	used := cpuTime(b)
	n := 0
	for b.Loop() {
		a.event(n, shift)
		if n++; n < len(a.ends) {
			continue
		}
		n = 0
		if growing {
			a.begin()
		} else {
			shift += a.span
		}
	}
	b.ReportMetric(float64(cpuTime(b)-used)/float64(b.N), "cpu-ns/op")
	events := float64(len(a.ends))
	b.ReportMetric(float64(len(a.ops))/events, "subjects/event")
	b.ReportMetric(float64(len(a.adds))/events, "adds/event")
	if growing && b.N > len(a.ends) && a.crossed == 0 {
		b.Error("nothing crossed")
	}
}

// cpuTime is what this process has used, in nanoseconds.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
