package tail

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Positions are the offsets from which on crossings are still to be read, by partition. A partition that is missing is to be read from 0 on.
type Positions map[int]int64

// String is the positions as ParsePositions reads them: 0:18,3:5.
func (p Positions) String() string { return string(p.AppendText(nil)) }

// AppendText appends them. Each reader has it for each crossing.
func (p Positions) AppendText(dst []byte) []byte {
	var room [32]int // more partitions than that cost an allocation
	partitions := room[:0]
	for partition := range p {
		partitions = append(partitions, partition)
	}
	slices.Sort(partitions)
	for i, partition := range partitions {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendInt(dst, int64(partition), 10), ':')
		dst = strconv.AppendInt(dst, p[partition], 10)
	}
	return dst
}

// mostPartition is the largest number of a partition that is read: Kafka's are 32-bit.
const mostPartition = 1<<31 - 1

// ParsePositions is the opposite of String. Nothing at all is a topic without any record.
func ParsePositions(text string) (Positions, error) {
	p := Positions{}
	if text == "" {
		return p, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		a, b, _ := strings.Cut(part, ":")
		partition, err := strconv.ParseUint(a, 10, 31)
		offset, err2 := strconv.ParseUint(b, 10, 63)
		if cmp.Or(err, err2) != nil || partition > mostPartition {
			return nil, fmt.Errorf("%q is no partition:offset", part)
		}
		if _, twice := p[int(partition)]; twice {
			return nil, fmt.Errorf("partition %d is named twice", partition)
		}
		p[int(partition)] = int64(offset)
	}
	return p, nil
}

// positions are those after everything that was read.
func (l *list) positions() Positions {
	p := Positions{}
	for partition, s := range l.spans {
		if s.next > 0 {
			p[partition] = s.next
		}
	}
	return p
}

// gap reports whether some of what comes after positions is not kept any more, or was never there: then they are those of another topic, as
// reach has seen.
func (l *list) gap(from Positions) bool {
	for partition, s := range l.spans {
		if at := from[partition]; at < s.from || at > s.next {
			return true
		}
	}
	for partition := range from {
		if _, known := l.spans[partition]; !known {
			return true
		}
	}
	return false
}

// known is positions, and where a partition is not known there, the first from which on it is.
func (l *list) known(from Positions) Positions {
	p := Positions{}
	for partition, s := range l.spans {
		at := from[partition]
		if at < s.from || at > s.next {
			at = s.from
		}
		if at > 0 {
			p[partition] = at
		}
	}
	return p
}

// missed are the crossings from some positions on, each partition in the order of its offsets.
func (l *list) missed(from Positions) (list []*Crossing) {
	for _, c := range l.kept {
		if c.Offset >= from[c.Partition] && !l.repeat(c) {
			list = append(list, c)
		}
	}
	return byOffset(list)
}

// byOffset orders crossings by place, except that those of a partition are in the order of their offsets, whatever their timestamps are.
// Otherwise a reader that stops in between would have passed over one.
func byOffset(list []*Crossing) []*Crossing {
	slices.SortFunc(list, func(a, b *Crossing) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	type dated struct {
		*Crossing
		at Place
	}
	all := make([]dated, len(list))
	for i, c := range list {
		all[i] = dated{c, c.Place}
		if i > 0 && c.Partition == all[i-1].Partition {
			all[i].at.Timestamp = max(c.Timestamp, all[i-1].at.Timestamp)
		}
	}
	slices.SortFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })
	for i := range all {
		list[i] = all[i].Crossing
	}
	return list
}
