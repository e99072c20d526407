package shard

import (
	"bytes"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// positions is where each partition stands for a shard. It reads and writes nothing.
type positions struct {
	shard  int
	states []partitionState // by index of the partition
}

// partitionState is where a partition stands for the shard.
type partitionState struct {
	assignment *Assignment       // nil: another process owns it, or nobody
	stands     bool              // ours, and begun: At is what was applied
	at         position.Position // ours: applied up to. Another's: its fence as last read
	fence      position.Position // ours: as stored
	stored     []byte            // ours: its bytes
	key        []byte            // of the fence

	deferred uint32 // the batch in which an event of it crossed last
}

// nowhere is a partition of which nothing is known.
var nowhere = position.Position{Newest: engine.NoTime, Seen: engine.NoTime, Clock: engine.NoTime}

func newPositions(shard int, k windowstore.Keys, partitions []position.TopicPartition) positions {
	ps := positions{shard: shard, states: make([]partitionState, len(partitions))}
	for i, p := range partitions {
		ps.states[i].key = k.AppendFenceKey(nil, shard, p.Topic, p.Partition)
		ps.states[i].at = nowhere
	}
	return ps
}

// begin makes a partition stand at a fence. It reports whether all partitions go back to their
// fences.
//
// A partition that stands already keeps its position: what is in memory is still good. The store
// says otherwise only if it went back, which the next commit finds out. A fence beyond the position
// was moved by another owner. The next chunks may start past the position, and would be dropped,
// even if the store has gone back to it since.
func (ps *positions) begin(l *Assignment, fence []byte, m position.Position) (rewound bool) {
	p := &ps.states[l.Index]
	same := p.assignment == l && p.stands
	if same && m.Offset <= p.at.Offset {
		return false
	}
	if p.stands { // where the assignment before was not ended, what was applied of it is not to be counted with the new one's position
		ps.rewind()
		rewound = true
	}
	if !same {
		p.assignment, p.stands, p.at, p.fence, p.stored = l, true, m.AtStart(), m, append(p.stored[:0], fence...)
		ps.tell(p, m)
	}
	return rewound
}

// end gives a partition up.
func (ps *positions) end(l *Assignment) {
	if p := &ps.states[l.Index]; p.assignment == l {
		p.assignment, p.stands = nil, false
	}
}

// rewind makes all partitions wait until they begin again, at their fences.
func (ps *positions) rewind() {
	for i := range ps.states {
		p := &ps.states[i]
		if p.assignment != nil {
			p.stands, p.at = false, p.fence
			p.assignment.askRestart()
		}
	}
}

// stored notes that a partition's fence is in the store, where the partition stands.
func (ps *positions) stored(partition int, fence []byte) {
	p := &ps.states[partition]
	p.stored, p.fence = append(p.stored[:0], fence...), p.at
	ps.tell(p, p.at)
}

// tell gives the assignment the offset up to which the shard has stored.
func (ps *positions) tell(p *partitionState, m position.Position) {
	p.assignment.stored[ps.shard].Store(m.Offset)
}

// mismatch is the first partition whose fence in the store is not what was written, and its index; nil: there is none.
func (ps *positions) mismatch(fences [][]byte) (int, *partitionState) {
	for i, b := range fences {
		if p := &ps.states[i]; p.stands && !bytes.Equal(b, p.stored) {
			return i, p
		}
	}
	return 0, nil
}

// adopt takes the fences of others as stored, as far as trusted goes. If a partition's fence is
// missing, the shard has nothing of it.
func (ps *positions) adopt(fences [][]byte, trusted func(partition int, m position.Position) position.Position) {
	for i, b := range fences {
		if ps.states[i].stands {
			continue
		}
		m := nowhere
		if b != nil {
			var err error
			if m, err = position.ParseFence(b); err != nil {
				continue
			}
		}
		ps.states[i].at = trusted(i, m)
	}
}

// since is the time before which events may not be counted in the shard, ns; 0: all are. The log of
// some partition no longer had them.
func (ps *positions) since() int64 {
	latest := int64(0)
	for i := range ps.states {
		latest = position.LaterSince(latest, ps.states[i].at.Since)
	}
	return latest
}

// reach is how far the partitions are.
func (ps *positions) reach() position.Reach {
	r := position.NewReach()
	for i := range ps.states {
		r.Add(&ps.states[i].at)
	}
	return r
}

// move makes the partition stand at m. What is not counted of it stays so.
func (p *partitionState) move(m position.Position) {
	m.Since = p.at.Since
	p.at = m
}

// difference is what it means that a fence in the store is not what was written. The store went
// back or lost it, or another owner of the partition moved it.
type difference struct {
	found    string
	wentBack bool
	offset   int64 // of the fence in the store; 0: there is none
}

func (p *partitionState) difference(stored []byte) difference {
	m, _ := position.ParseFence(stored) // a fence that cannot be read is met again when the partition begins
	switch {
	case stored == nil:
		return difference{found: "none: the store lost it", wentBack: true}
	case m.Offset < p.fence.Offset:
		return difference{found: "an older one: the store went back", wentBack: true, offset: m.Offset}
	default:
		return difference{found: "another owner's", offset: m.Offset}
	}
}
