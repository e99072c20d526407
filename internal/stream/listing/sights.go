package listing

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Sight is how far a subject was to a rule's limit at some time of it.
type Sight struct {
	Time     int64   // ns
	Fraction float64 // 1 is the limit (thresholds.Rule.Fraction)
}

// sightsOf is the time for which sights are kept, and by which a rate is worked out.
const sightsOf = time.Hour

// Gap is how long after the last sight the next one is due, where the first is so much older than the last. Gaps double, so that a
// rate is known soon after a row came.
func Gap(span int64) int64 {
	const least, most = int64(time.Second), int64(2 * time.Minute)
	return min(max(span, least), most)
}

// merge adds sights to those that are kept. Of what it makes none is older than an hour before the newest.
func merge(kept, more []Sight) []Sight {
	all := slices.Concat(kept, more)
	for i := range all {
		all[i].Time = storedTime(all[i].Time)
	}
	slices.SortStableFunc(all, func(a, b Sight) int { return cmp.Compare(a.Time, b.Time) })
	if len(all) == 0 {
		return nil
	}
	from := all[len(all)-1].Time - int64(sightsOf)
	var thin []Sight
	for _, s := range all {
		switch n := len(thin); {
		case s.Time < from:
		case n > 0 && s.Time == thin[n-1].Time:
			thin[n-1] = s
		case n == 0 || s.Time-thin[n-1].Time >= Gap(thin[n-1].Time-thin[0].Time):
			thin = append(thin, s)
		}
	}
	return thin[max(0, len(thin)-sightsMost):]
}

// storedTime is a time as sights are stored with it: in whole milliseconds. Times are compared so, or the last sight would be before now
// though it is of now.
func storedTime(ns int64) int64 { return time.UnixMilli(time.Unix(0, ns).UnixMilli()).UnixNano() }

// sightsForm is the form in which sights are stored: a byte of it, the digest of what their fractions are of, then for each sight the
// milliseconds since the last one, and the fraction in billionths.
const (
	sightsForm     = 2
	sightsHead     = 1 + 4
	billionths     = 1e9
	mostBillionths = 1 << 60
)

// digestOf is a digest of all that makes a fraction of what is counted: if it changes, sights of before say nothing of the rate.
func digestOf(r *thresholds.Rule) uint32 {
	h := fnv.New32a()
	fmt.Fprintln(h, r.Window, r.Step, r.Combine, r.K)
	for _, l := range r.Limits {
		fmt.Fprintln(h, l.Value, l.Measure.Definition())
	}
	return h.Sum32()
}

func encodeSights(digest uint32, sights []Sight) []byte {
	dst := binary.BigEndian.AppendUint32([]byte{sightsForm}, digest)
	last := int64(0)
	for _, s := range sights {
		at := time.Unix(0, s.Time).UnixMilli()
		dst = binary.AppendVarint(dst, at-last)
		dst = binary.AppendUvarint(dst, uint64(math.Round(min(s.Fraction*billionths, mostBillionths))))
		last = at
	}
	return dst
}

// parseSights reads them. What cannot be read, or is of another digest, is none: they are made anew.
func parseSights(digest uint32, b []byte) (sights []Sight) {
	if len(b) < sightsHead || b[0] != sightsForm || binary.BigEndian.Uint32(b[1:]) != digest {
		return nil
	}
	b = b[sightsHead:]
	at := int64(0)
	for len(b) > 0 {
		since, n := binary.Varint(b)
		fraction, m := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 {
			return nil
		}
		b = b[n+m:]
		at += since
		sights = append(sights, Sight{Time: time.UnixMilli(at).UnixNano(), Fraction: float64(fraction) / billionths})
	}
	return sights
}

// rate is by how much the fraction rises in an hour: from the first sight of the hour before now, to now. It takes three sights,
// of which now is one.
func rate(sights []Sight, now Sight) (perHour float64, ok bool) {
	now.Time = storedTime(now.Time)
	sights = slices.DeleteFunc(slices.Clone(sights), func(s Sight) bool {
		return s.Time < now.Time-int64(sightsOf) || s.Time >= now.Time
	})
	if len(sights) < 2 {
		return 0, false
	}
	first := sights[0]
	return (now.Fraction - first.Fraction) / time.Duration(now.Time-first.Time).Hours(), true
}

// limitAt is when the limit is reached at that rate, ns; false if it is reached already, or not within the window after now.
func limitAt(perHour float64, now Sight, window time.Duration) (int64, bool) {
	if perHour <= 0 || now.Fraction >= 1 {
		return 0, false
	}
	hours := (1 - now.Fraction) / perHour
	if hours > window.Hours() {
		return 0, false
	}
	return now.Time + int64(hours*float64(time.Hour)), true
}
