package partition

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Stretch is [from, to) of a partition's log.
type Stretch struct{ From, To int64 }

// Stretches are those of a partition that were passed over: rising, and none touches another.
type Stretches []Stretch

// Append writes the stretches as they are stored: "30-33 45-46".
func (s Stretches) Append(dst []byte) []byte {
	for i, x := range s {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(strconv.AppendInt(dst, x.From, 10), '-')
		dst = strconv.AppendInt(dst, x.To, 10)
	}
	return dst
}

// With are the stretches, and those stored in b beside them.
func (s Stretches) With(b []byte) (Stretches, error) {
	for _, text := range strings.Fields(string(b)) {
		from, to, ok := strings.Cut(text, "-")
		x := Stretch{}
		var errs [2]error
		x.From, errs[0] = strconv.ParseInt(from, 10, 64)
		x.To, errs[1] = strconv.ParseInt(to, 10, 64)
		if err := errors.Join(errs[:]...); err != nil || !ok || x.From < 0 || x.To <= x.From {
			return nil, fmt.Errorf("%q in the store is no stretch of a log that was passed over", text)
		}
		s = s.and(x)
	}
	return s, nil
}

// and are the stretches and one more.
func (s Stretches) and(x Stretch) Stretches {
	all := append(slices.Clone(s), x)
	slices.SortFunc(all, func(a, b Stretch) int { return int(max(-1, min(1, a.From-b.From))) })
	merged := all[:1]
	for _, x := range all[1:] {
		if last := &merged[len(merged)-1]; x.From <= last.To {
			last.To = max(last.To, x.To)
		} else {
			merged = append(merged, x)
		}
	}
	return merged
}

// from is the first stretch that ends behind an offset; one at never if there is none.
func (s Stretches) from(offset int64) Stretch {
	for _, x := range s {
		if x.To > offset {
			return x
		}
	}
	return Stretch{math.MaxInt64, math.MaxInt64}
}
