package partition

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// stretch is [from, to) of a partition's log.
type stretch struct{ from, to int64 }

// Stretches are what of a partition was passed over. They rise, and none touches another.
type Stretches []stretch

// appendTo writes the stretches as they are stored: "30-33 45-46".
func (s Stretches) appendTo(dst []byte) []byte {
	for i, x := range s {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(strconv.AppendInt(dst, x.from, 10), '-')
		dst = strconv.AppendInt(dst, x.to, 10)
	}
	return dst
}

// With returns the stretches together with those stored in b.
func (s Stretches) With(b []byte) (Stretches, error) {
	for _, text := range strings.Fields(string(b)) {
		from, to, ok := strings.Cut(text, "-")
		x := stretch{}
		var errs [2]error
		x.from, errs[0] = strconv.ParseInt(from, 10, 64)
		x.to, errs[1] = strconv.ParseInt(to, 10, 64)
		if err := errors.Join(errs[:]...); err != nil || !ok || x.from < 0 || x.to <= x.from {
			return nil, fmt.Errorf("%q in the store is no stretch of a log that was passed over", text)
		}
		s = s.and(x)
	}
	return s, nil
}

// and returns the stretches with one more.
func (s Stretches) and(x stretch) Stretches {
	all := append(slices.Clone(s), x)
	slices.SortFunc(all, func(a, b stretch) int { return int(max(-1, min(1, a.from-b.from))) })
	merged := all[:1]
	for _, x := range all[1:] {
		if last := &merged[len(merged)-1]; x.from <= last.to {
			last.to = max(last.to, x.to)
		} else {
			merged = append(merged, x)
		}
	}
	return merged
}

// from is the first stretch that ends after an offset; one at Never if there is none.
func (s Stretches) from(offset int64) stretch {
	for _, x := range s {
		if x.to > offset {
			return x
		}
	}
	return stretch{math.MaxInt64, math.MaxInt64}
}
