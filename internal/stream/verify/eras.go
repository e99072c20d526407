package verify

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// set is a set of rules that were in force, each a bit.
type set uint64

// The bits that have a meaning. The others are of rules before a change, as they are met.
const (
	unknown set = 1 << iota // rules of which nothing is known any more
	ours                    // those of the config
	firstOther
)

// within reports whether s has nothing that is not in all.
func (s set) within(all set) bool { return s&^all == 0 }

// eras knows by which rules each part of the log was decided, and what can be compared all the same. It is nil where all was
// decided by those of the config.
type eras struct {
	program *engine.Program
	shards  int
	ahead   int64 // how far an event's time, and a producer's clock, may be ahead, ms
	bits    map[string]set
	past    []*pastRules      // by number of the bit; nil: not known
	of      [][]partitionEras // by shard and partition
	ended   [][]end           // by shard: when the rules of any partition ceased to decide, the latest first
	any     []set             // by shard: all of any partition
	kinds   [thresholds.NumKinds]kindEras
	takes   set // those that counted the same events, of every kind of subject: they move the stream's time
	foreign set // those that take events in otherwise
}

// pastRules are rules that were in force, compiled.
type pastRules struct {
	inforce.Rules
	program *engine.Program
	intake  *engine.Intake // matches events by program
}

// partitionEras is a partition's history in a shard.
type partitionEras struct {
	inforce.History
	bit   []set
	since []set // of this era and all after it
}

// end says that rules ceased to decide a partition at a time, ms.
type end struct {
	at        int64
	partition int
	bit       set
}

// kindEras says of a kind of subject which rules did what as the config's do.
type kindEras struct {
	same  []set               // by rule: announced the same
	quiet []set               // by rule: announced the same, or ended no episode by itself
	caps  []set               // by counter: kept as many keys
	calm  set                 // ended episodes at the same dates
	takes set                 // counted the same events
	ends  []*engine.BoundRule // the rules that end episodes by themselves, of all
}

// newEras reads histories, by shard and partition. find is asked for rules by their id; nil: they are not known.
func newEras(p *engine.Program, id string, ahead int64, histories [][]inforce.History, find func(id string) (*pastRules, error)) (*eras, error) {
	s := &eras{program: p, shards: len(histories), ahead: ahead, bits: map[string]set{id: ours}, past: []*pastRules{nil, nil}}
	all := set(0)
	for _, shard := range histories {
		var list []partitionEras
		var ended []end
		whole := set(0)
		for p, h := range shard {
			e, err := s.partition(h, find)
			if err != nil {
				return nil, err
			}
			list, whole = append(list, e), whole|e.since[0]
			for i, bit := range e.bit {
				ended = append(ended, end{at(h, i-1), p, bit})
			}
		}
		slices.SortFunc(ended, func(a, b end) int { return cmp.Compare(b.at, a.at) })
		s.of, s.ended, s.any, all = append(s.of, list), append(s.ended, ended), append(s.any, whole), all|whole
	}
	if all == ours {
		return nil, nil
	}
	s.takes = ^set(0)
	for k := range s.kinds {
		s.kinds[k] = s.kind(thresholds.Kind(k))
		s.takes &= s.kinds[k].takes
	}
	return s, nil
}

// at is when the era after the i-th one began, ms; engine.Never: none did.
func at(h inforce.History, i int) int64 {
	if i+1 < len(h) {
		return h[i+1].At
	}
	return engine.Never
}

// partition is a history with bits. Its first era is that before all that the history knows; it is empty if that is all.
func (s *eras) partition(h inforce.History, find func(string) (*pastRules, error)) (partitionEras, error) {
	e := partitionEras{History: h, bit: []set{unknown}}
	if len(h) == 0 || h[0].From == 0 {
		e.bit[0] = 0
	}
	for _, x := range h {
		bit, err := s.bitOf(x.Rules, find)
		if err != nil {
			return e, err
		}
		e.bit = append(e.bit, bit)
	}
	e.since = slices.Clone(e.bit)
	for i := len(e.since) - 2; i >= 0; i-- {
		e.since[i] |= e.since[i+1]
	}
	return e, nil
}

// bitOf is the bit of rules. Where there are too many, more of them are not known.
func (s *eras) bitOf(id string, find func(string) (*pastRules, error)) (set, error) {
	if bit, ok := s.bits[id]; ok {
		return bit, nil
	}
	rules, err := find(id)
	if err != nil {
		return 0, err
	}
	bit := set(1) << len(s.past)
	if bit == 0 || rules == nil {
		bit = unknown
	} else {
		s.past = append(s.past, rules)
	}
	s.bits[id] = bit
	return bit, nil
}

// kind compares what the rules of the past had for a kind of subject with what the config has.
func (s *eras) kind(kind thresholds.Kind) kindEras {
	t := &s.program.Kinds[kind]
	k := kindEras{
		calm: ours, takes: ours,
		same: slices.Repeat([]set{ours}, len(t.Rules)), quiet: slices.Repeat([]set{ours}, len(t.Rules)), caps: slices.Repeat([]set{ours}, len(t.Layout.Counters)),
	}
	k.addEnds(t)
	for n, p := range s.past {
		if p == nil {
			continue
		}
		bit, past := set(1)<<n, &p.program.Kinds[kind]
		for r := range t.Rules {
			was := past.Find(t.Rules[r].Mark())
			switch {
			case was >= 0 && past.Deciding(was) == t.Deciding(r):
				k.same[r], k.quiet[r] = k.same[r]|bit, k.quiet[r]|bit
			case was < 0 || !past.Rules[was].EndsAlone():
				k.quiet[r] |= bit
			}
		}
		for i := range t.Layout.Counters {
			if most, ok := past.Cap(t.Layout.Counters[i].ID); ok && most == t.Layout.Counters[i].Cap {
				k.caps[i] |= bit
			}
		}
		if past.Clears() == t.Clears() {
			k.calm |= bit
		}
		if past.Takes(t) {
			k.takes |= bit
		}
		k.addEnds(past)
	}
	return k
}

func (k *kindEras) addEnds(t *engine.KindTable) {
	for r := range t.Rules {
		if t.Rules[r].EndsAlone() {
			k.ends = append(k.ends, &t.Rules[r])
		}
	}
}

// from is the rules that decided a partition in a shard from an offset on.
func (s *eras) from(shard, partition int, offset int64) set {
	e := &s.of[shard][partition]
	i := 0
	for i < len(e.History) && e.History[i].From <= offset {
		i++
	}
	return e.since[i]
}

// in is the rules that decided at an offset.
func (s *eras) in(shard, partition int, offset int64) set {
	e := &s.of[shard][partition]
	i := 0
	for i < len(e.History) && e.History[i].From <= offset {
		i++
	}
	return e.bit[i]
}

// after is the rules that may have decided any other partition of a shard after a record of a Kafka timestamp (ms) had been written.
func (s *eras) after(shard, partition int, timestamp int64) (all set) {
	for _, e := range s.ended[shard] {
		if e.at != engine.Never && e.at+s.ahead < timestamp {
			break
		}
		if e.partition != partition {
			all |= e.bit
		}
	}
	return all
}

// counted reports whether the rules of a bit count an event for its subject of a kind. Rules of which nothing is known may.
func (s *eras) counted(bit set, kind thresholds.Kind, e *event.Event) bool {
	past := s.past[bits.TrailingZeros64(uint64(bit))]
	if past == nil {
		return true
	}
	past.intake.Event = *e
	ops, _ := past.intake.Operations()
	return slices.ContainsFunc(ops, func(o engine.Operation) bool { return o.Kind == kind })
}

// shardOf is the shard of a subject.
func (s *eras) shardOf(kind thresholds.Kind, id string) int {
	return windowstore.ShardOf(kind.String(), []byte(id), s.shards)
}

// to is the offset of a partition from which on rules decided in no shard.
func (s *eras) to(partition int, bit set) (offset int64) {
	for _, shard := range s.of {
		e := &shard[partition]
		for i := range e.History {
			if e.bit[i+1] == bit {
				offset = max(offset, e.End(i))
			}
		}
	}
	return offset
}
