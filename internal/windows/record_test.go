package windows

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// richLayout has a counter of every kind, several of them of other spans, and small pieces.
func richLayout() *Layout {
	return &Layout{
		Counters: []Spec{
			{ID: 1, Op: Sum, Step: 3600 * second, N: 24},
			{ID: 2, Op: Distinct, Step: 3600 * second, N: 24, Cap: 30},
			{ID: 3, Op: Weighted, Step: 60 * second, N: 600, Cap: 1000},
			{ID: 4, Op: First, Step: 3600 * second, N: 24},
			{ID: 5, Op: Sum},
			{ID: 6, Op: Distinct, Cap: 1000},
			{ID: 7, Op: First},
			{ID: 8, Op: Sum, Step: 5, N: 3},
		},
		Rules: []uint64{1, 2, 3},
		Sizes: Sizes{Inline: 3, Chunk: 4, History: 20},
	}
}

// richSubject has something of everything, of counters of another layout too.
func richSubject(tb testing.TB) *kept {
	l := richLayout()
	more := richLayout()
	more.Counters = append(more.Counters, Spec{ID: 90, Op: Distinct, Step: 3600 * second, N: 2400, Cap: 100}, Spec{ID: 91, Op: Sum})
	more.Rules = append(more.Rules, 77)
	k := newKept(more)
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		i := rng.IntN(len(more.Counters))
		weight := rng.Uint64() >> (n % 64)
		if _, err := k.event(i, int64(n)*300*second, rng.Uint64(), weight); err != nil {
			tb.Fatal(err)
		}
	}
	k.SetRuleState(0, RuleState{8000, 2})
	k.SetRuleState(3, RuleState{10000, 1})
	k.Follow(300*300*second, 302*300*second)
	k.write()
	if err := k.reload(l); err != nil {
		tb.Fatal(err)
	}
	k.write()
	return k
}

func TestRecordOfOtherLayout(t *testing.T) {
	k := richSubject(t)
	if len(k.foreign) != 2 || len(k.others) != 1 {
		t.Fatalf("%d counters, %d states of other layouts", len(k.foreign), len(k.others))
	}
	for range 3 {
		was := k.record
		if err := k.reload(k.layout); err != nil {
			t.Fatal(err)
		}
		if k.write(); !bytes.Equal(was, k.record) {
			t.Fatalf("record\n%x\nis written again as\n%x", was, k.record)
		}
	}
}

// Every damage is refused or harmless.
func TestDamagedRecord(t *testing.T) {
	k := richSubject(t)
	for n := range k.record {
		tryRecord(t, k.record[:n])
		if _, err := DecodeSubject(k.layout, k.record[:n]); err == nil {
			t.Fatalf("%d bytes of %d accepted", n, len(k.record))
		}
		for bit := range 8 {
			b := bytes.Clone(k.record)
			b[n] ^= 1 << bit
			tryRecord(t, b)
		}
	}
	tryRecord(t, append(bytes.Clone(k.record), 0))
}

func TestDamagedPart(t *testing.T) {
	k := richSubject(t)
	for _, p := range k.inUse() {
		value := k.parts[string(k.PartID(nil, p))]
		for n := range value {
			tryPart(t, k.record, p, value[:n])
			for bit := range 8 {
				b := bytes.Clone(value)
				b[n] ^= 1 << bit
				tryPart(t, k.record, p, b)
			}
		}
	}
}

// inUse are the parts of the layout's counters.
func (k *kept) inUse() (parts []Part) {
	for i, c := range k.counters {
		if c == nil {
			continue
		}
		if c.history.part {
			parts = append(parts, Part{i, -1})
		}
		for at := range c.chunks() {
			parts = append(parts, Part{i, at})
		}
	}
	return parts
}

func FuzzDecodeSubject(f *testing.F) {
	k := richSubject(f)
	f.Add(k.record)
	f.Add(NewSubject(k.layout).AppendRecord(nil, [VersionSize]byte{}, 0))
	k.Shrink(nil)
	k.write()
	f.Add(k.record)
	f.Fuzz(func(t *testing.T, b []byte) { tryRecord(t, b) })
}

func FuzzLoadPart(f *testing.F) {
	k := richSubject(f)
	for _, p := range k.inUse() {
		f.Add(p.Counter, p.Chunk, k.parts[string(k.PartID(nil, p))])
	}
	f.Fuzz(func(t *testing.T, counter, chunk int, value []byte) {
		if counter >= 0 {
			tryPart(t, k.record, Part{counter, chunk}, value)
		}
	})
}

// tryRecord decodes b and, if that is taken for a record, uses the subject.
func tryRecord(t *testing.T, b []byte) {
	s, err := DecodeSubject(richLayout(), b)
	if err != nil {
		if s != nil || !errors.Is(err, ErrCorrupt) {
			t.Fatalf("subject %v, error %v", s, err)
		}
		return
	}
	if s.time < -9214560000*second || s.time > 9214646400*second {
		return // no event has such a time
	}
	use(t, s)
	version := [VersionSize]byte(b)
	first := s.AppendRecord(nil, version, s.Writer())
	again, err := DecodeSubject(s.layout, first)
	if err != nil {
		t.Fatalf("%x is written as %x: %v", b, first, err)
	}
	if second := again.AppendRecord(nil, version, s.Writer()); !bytes.Equal(first, second) {
		t.Fatalf("%x, read and written again, is %x", first, second)
	}
}

// tryPart loads value as part p of the record, and uses the subject.
func tryPart(t *testing.T, record []byte, p Part, value []byte) {
	s, err := DecodeSubject(richLayout(), record)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(p, value); err != nil {
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrMissingPart) {
			t.Fatal(err)
		}
		return
	}
	for _, c := range s.counters {
		if c != nil && c.history.missing {
			s.dropAll(c) // so that the others can be used
		}
	}
	use(t, s)
}

// use does with s what can be done without a store.
func use(t *testing.T, s *Subject) {
	s.Announced()
	s.Empty(s.time)
	s.Orphans(nil)
	s.Size()
	if len(s.NeedsHistory(nil)) > 0 {
		return
	}
	for i := range s.counters {
		for range 2 {
			s.Value(i)
			s.ValueAt(i, s.time+7200*second)
			s.NextChange(i, s.time)
			s.Preceded(i, s.time)
			s.LiveKeys(i)
			if !s.timed || len(s.Needs(nil, i, 77)) > 0 || s.Late(i, s.time-3600*second) {
				break
			}
			s.Add(i, s.time-3600*second, 77, 5)
			s.Add(i, s.time, 77, 6)
			s.Advance(s.time + 3600*second)
		}
	}
	k := &kept{Subject: s, parts: map[string][]byte{}}
	k.write()
	if _, err := DecodeSubject(s.layout, k.record); err != nil {
		t.Fatal(err)
	}
}
