package windows

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// kept is a subject with the store it is kept in.
type kept struct {
	*Subject
	layout *Layout
	record []byte
	parts  map[string][]byte
}

func newKept(l *Layout) *kept {
	return &kept{Subject: NewSubject(l), layout: l, parts: map[string][]byte{}}
}

// write writes what changed, as a commit does.
func (k *kept) write() (written []Part) {
	written = k.Dirty(nil)
	for _, p := range written {
		k.parts[string(k.PartID(nil, p))] = k.AppendPart(nil, p)
	}
	k.record = k.AppendRecord(nil, [VersionSize]byte{1, 2, 3, 4, 5, 6, 7, 8}, 9)
	k.Clean()
	return written
}

// reload forgets the subject and reads it again, by layout l.
func (k *kept) reload(l *Layout) error {
	s, err := DecodeSubject(l, k.record)
	if err != nil {
		return err
	}
	k.Subject, k.layout = s, l
	return k.load(k.NeedsHistory(nil))
}

func (k *kept) load(parts []Part) error {
	for _, p := range parts {
		if err := k.Load(p, k.parts[string(k.PartID(nil, p))]); err != nil {
			return err
		}
	}
	return nil
}

// event applies an event of one counter, and reports whether it was counted.
func (k *kept) event(i int, t int64, key, num uint64) (bool, error) {
	if k.Late(i, t) {
		return false, nil
	}
	if err := k.load(k.Needs(nil, i, key)); err != nil {
		return false, err
	}
	k.Touch(t)
	k.Advance(t)
	k.Add(i, t, key, num)
	return true, nil
}

// script runs the commands of testdata/*.txt.
type script struct {
	layouts map[string]*Layout
	names   map[uint64]string // of counters
	sub     *kept
}

func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if !strings.HasSuffix(path, ".txt") {
			return // seeds of fuzzers
		}
		s := &script{layouts: map[string]*Layout{}, names: map[uint64]string{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			if err := s.run(&out, d); err != nil {
				fmt.Fprintf(&out, "error: %v\n", err)
			}
			return out.String()
		})
	})
}

func (s *script) run(out *strings.Builder, d *datadriven.TestData) error {
	switch d.Cmd {
	case "layout":
		return s.define(out, d)
	case "events":
		return s.events(out, d.Input)
	case "advance":
		s.sub.Advance(at(d))
		s.show(out)
	case "show":
		s.show(out)
	case "value":
		v, atLeast := s.sub.ValueAt(s.counter(d), at(d))
		fmt.Fprintln(out, shown(v, atLeast))
	case "next":
		if t, ok := s.sub.NextChange(s.counter(d), at(d)); ok {
			fmt.Fprintln(out, clock(t))
		} else {
			fmt.Fprintln(out, "never")
		}
	case "late":
		fmt.Fprintln(out, s.sub.Late(s.counter(d), at(d)))
	case "preceded":
		fmt.Fprintln(out, s.sub.Preceded(s.counter(d), at(d)))
	case "empty":
		fmt.Fprintln(out, s.sub.Empty(at(d)))
	case "mark":
		s.sub.SetRuleState(int(number(d, "rule")), RuleState{number(d, "level"), number(d, "episode")})
		s.show(out)
	default:
		return s.store(out, d)
	}
	return nil
}

// store runs the commands about bytes.
func (s *script) store(out *strings.Builder, d *datadriven.TestData) error {
	switch d.Cmd {
	case "write":
		for _, p := range s.sub.write() {
			id := string(s.sub.PartID(nil, p))
			fmt.Fprintf(out, "%s: %d bytes\n", id, len(s.sub.parts[id]))
		}
		fmt.Fprintf(out, "record: %d bytes\n", len(s.sub.record))
	case "hex":
		fmt.Fprintf(out, "%x\n", s.sub.record)
	case "reload":
		if err := s.sub.reload(s.layouts[arg(d, "layout")]); err != nil {
			return err
		}
		s.show(out)
	case "lose":
		delete(s.sub.parts, arg(d, "part"))
	case "shrink":
		s.list(out, s.sub.Shrink(nil))
	case "orphans":
		s.list(out, s.sub.Orphans(nil))
	case "delete":
		parts := s.sub.Orphans(nil)
		for _, p := range parts {
			delete(s.sub.parts, string(s.sub.PartID(nil, p)))
		}
		s.sub.Deleted(parts)
		s.list(out, s.sub.Orphans(nil))
	default:
		return errors.New("unknown command")
	}
	return nil
}

func (s *script) list(out *strings.Builder, parts []Part) {
	for _, p := range parts {
		fmt.Fprintf(out, "%s\n", s.sub.PartID(nil, p))
	}
}

// define reads a layout: "counter NAME OP step n [cap]" and "rule ID" lines.
func (s *script) define(out *strings.Builder, d *datadriven.TestData) error {
	l := &Layout{Sizes: Sizes{Inline: 2, Chunk: 3, History: 8}}
	for line := range strings.Lines(d.Input) {
		f := strings.Fields(line)
		if f[0] == "rule" {
			l.Rules = append(l.Rules, hash(f[1]))
			continue
		}
		sp := Spec{ID: hash(f[0]), Step: nanos(f[2])}
		switch f[1] {
		case "distinct":
			sp.Op = Distinct
		case "weighted":
			sp.Op = Weighted
		case "first":
			sp.Op = First
		}
		sp.N, _ = strconv.ParseInt(f[3], 10, 64)
		sp.Cap = 1000
		if len(f) > 4 {
			sp.Cap, _ = strconv.Atoi(f[4])
		}
		l.Counters = append(l.Counters, sp)
		s.names[sp.ID] = f[0]
	}
	s.layouts[d.CmdArgs[0].Key] = l
	if s.sub == nil {
		s.sub = newKept(l)
	}
	return nil
}

// events reads lines "TIME COUNTER [KEY] [NUMBER]".
func (s *script) events(out *strings.Builder, input string) error {
	for line := range strings.Lines(input) {
		f := strings.Fields(line)
		i := s.named(f[1])
		var key, num uint64
		if len(f) > 2 {
			var err error
			if num, err = strconv.ParseUint(f[len(f)-1], 10, 64); err != nil || len(f) > 3 {
				key = hash(f[2])
			}
		}
		counted, err := s.sub.event(i, nanos(f[0]), key, num)
		if err != nil {
			return err
		}
		if !counted {
			fmt.Fprintf(out, "%s: late\n", strings.TrimSpace(line))
		}
	}
	s.show(out)
	return nil
}

// show prints the whole state.
func (s *script) show(out *strings.Builder) {
	t, ok := s.sub.Time()
	fmt.Fprintf(out, "time %s %v first %s changed %v\n", clock(t), ok, clock(s.sub.First()), s.sub.Changed())
	for i, c := range s.sub.counters {
		v, atLeast := s.sub.Value(i)
		fmt.Fprintf(out, "%s %s", s.names[s.sub.layout.Counters[i].ID], shown(v, atLeast))
		if c != nil {
			showCounter(out, c)
		}
		fmt.Fprintln(out)
	}
	for r := range s.sub.layout.Rules {
		if m := s.sub.RuleState(r); m != (RuleState{}) {
			fmt.Fprintf(out, "rule %d level %d episode %d\n", r, m.Level, m.Episode)
		}
	}
}

func showCounter(out *strings.Builder, c *counter) {
	for _, k := range c.buckets {
		switch c.spec.Op {
		case Sum:
			fmt.Fprintf(out, " %d:%d", k.at, k.sum)
		case First:
			fmt.Fprintf(out, " %d:%s", k.at, clock(int64(k.sum)))
		case Distinct:
			fmt.Fprintf(out, " %d:%d", k.at, k.keys)
		case Weighted:
			fmt.Fprintf(out, " %d:%d/%d", k.at, k.keys, k.sum)
		}
	}
	if n := c.chunks(); n > 0 {
		fmt.Fprintf(out, " chunks %d", n)
	}
}

func shown(v uint64, atLeast bool) string {
	if atLeast {
		return fmt.Sprintf("at least %d", v)
	}
	return strconv.FormatUint(v, 10)
}

func (s *script) named(name string) int {
	for i := range s.sub.layout.Counters {
		if s.names[s.sub.layout.Counters[i].ID] == name {
			return i
		}
	}
	panic("no counter " + name)
}

func (s *script) counter(d *datadriven.TestData) int {
	return s.named(arg(d, "counter"))
}

func at(d *datadriven.TestData) int64 {
	return nanos(arg(d, "t"))
}

func number(d *datadriven.TestData, name string) uint64 {
	x, err := strconv.ParseUint(arg(d, name), 10, 64)
	if err != nil {
		panic(err)
	}
	return x
}

func arg(d *datadriven.TestData, name string) string {
	for _, a := range d.CmdArgs {
		if a.Key == name {
			return a.Vals[0]
		}
	}
	panic("no " + name)
}

// nanos reads a time after 1970 like 3d, 1d2h or -90m; "all" is 0.
func nanos(s string) int64 {
	if s == "all" {
		return 0
	}
	days := int64(0)
	if before, after, ok := strings.Cut(s, "d"); ok {
		days, _ = strconv.ParseInt(before, 10, 64)
		if s = after; s == "" {
			s = "0s"
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return days*86400*second + int64(d)
}

// clock is the opposite of nanos.
func clock(t int64) string {
	if d := t / (86400 * second); d != 0 {
		return fmt.Sprintf("%dd%v", d, time.Duration(t-d*86400*second))
	}
	return time.Duration(t).String()
}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}
