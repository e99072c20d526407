package listing

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
)

const (
	second = int64(time.Second)
	minute = int64(time.Minute)
)

// TestRate: of a steady load the rate is right, from the first seconds on and for ever.
func TestRate(t *testing.T) {
	const start = int64(1_767_225_600) * second
	for name, perHour := range map[string]float64{"fast": 3, "slow": 0.0004} {
		var kept []Sight
		for at := int64(0); at < 4*60*minute; at += second {
			now := Sight{Time: start + at, Fraction: 0.2 + perHour*float64(at)/float64(time.Hour)}
			got, ok := rate(kept, now)
			if ok != (at >= 2*second) || ok && math.Abs(got-perHour) > perHour/1000 {
				t.Fatalf("%s, after %ds: %v, %v", name, at/second, got, ok)
			}
			kept = parseSights(7, encodeSights(7, merge(kept, []Sight{now})))
			if len(kept) > sightsMost {
				t.Fatalf("%d sights", len(kept))
			}
			if oldest := now.Time - kept[0].Time; oldest > 60*minute || at > 70*minute && oldest < 57*minute {
				t.Fatalf("%s, after %ds: the first sight is %ds old", name, at/second, oldest/second)
			}
		}
	}
	f := func(want bool, now int64, times ...int64) {
		t.Helper()
		var sights []Sight
		for _, at := range times {
			sights = append(sights, Sight{Time: at * minute})
		}
		if _, ok := rate(sights, Sight{Time: now * minute}); ok != want {
			t.Errorf("%v, at %d: %v", times, now, ok)
		}
	}
	f(false, 10)
	f(false, 10, 1)
	f(true, 10, 1, 2)
	f(false, 10, 1, 10)
	f(false, 62, 1, 2)
	f(true, 61, 1, 2)

	// What is stored is in milliseconds. The last sight is of now, and the first one is an hour old, though they do not seem so.
	odd := int64(600_500)
	kept := parseSights(7, encodeSights(7, merge(nil, []Sight{{Time: odd}, {Time: 10*minute + odd, Fraction: 0.1}})))
	if got, ok := rate(kept, Sight{Time: 10*minute + odd, Fraction: 0.1}); ok {
		t.Errorf("of two sights %v", got)
	}
	if got, ok := rate(kept, Sight{Time: 60*minute + odd, Fraction: 0.6}); !ok || math.Abs(got-0.6) > 1e-9 {
		t.Errorf("over an hour %v, %v", got, ok)
	}
}

func TestMerge(t *testing.T) {
	f := func(want []int64, kept []int64, more ...int64) {
		t.Helper()
		of := func(times []int64) (sights []Sight) {
			for _, at := range times {
				sights = append(sights, Sight{Time: at * second, Fraction: float64(at)})
			}
			return sights
		}
		if got := merge(of(kept), of(more)); !reflect.DeepEqual(got, of(want)) {
			t.Errorf("%v and %v: got %v, want %v", kept, more, got, want)
		}
	}
	f(nil, nil)
	f([]int64{5}, nil, 5)
	f([]int64{5, 6, 7, 9, 13}, []int64{5}, 6, 7, 8, 9, 10, 11, 12, 13)
	f([]int64{5, 6, 9}, []int64{6}, 9, 5)                        // another process saw what was before
	f([]int64{5, 300, 420, 540}, []int64{5, 300, 420}, 539, 540) // from two minutes on the gaps stay
	f([]int64{300, 3900}, []int64{5, 299, 300}, 3900)
	same := merge([]Sight{{Time: second, Fraction: 1}}, []Sight{{Time: second, Fraction: 2}})
	if !reflect.DeepEqual(same, []Sight{{Time: second, Fraction: 2}}) {
		t.Errorf("of two at one time %v", same)
	}
}

func TestParseSights(t *testing.T) {
	sights := []Sight{{Time: -5 * minute, Fraction: 0.1}, {Time: 0, Fraction: 0.123456789}, {Time: 7 * minute, Fraction: 1e9}}
	stored := encodeSights(7, sights)
	if got := parseSights(7, stored); !reflect.DeepEqual(got, sights) {
		t.Errorf("got %v", got)
	}
	if got := parseSights(7, encodeSights(7, []Sight{{Fraction: 1e300}})); len(got) != 1 || got[0].Fraction < 1e9 {
		t.Errorf("got %v", got)
	}
	for n := range stored {
		if got := parseSights(7, stored[:n]); len(got) > 2 {
			t.Errorf("of %d bytes: %v", n, got)
		}
	}
	if got := parseSights(7, []byte{9, 0, 0, 0, 7, 1, 1}); got != nil {
		t.Errorf("of another form: %v", got)
	}
	if got := parseSights(8, stored); got != nil {
		t.Errorf("of another digest: %v", got)
	}
}

func TestLimitAt(t *testing.T) {
	f := func(want time.Duration, perHour, fraction float64, window time.Duration) {
		t.Helper()
		at, ok := limitAt(perHour, Sight{Time: minute, Fraction: fraction}, window)
		if ok != (want > 0) || ok && time.Duration(at-minute) != want {
			t.Errorf("%v at %v an hour: %v, %v", fraction, perHour, time.Duration(at-minute), ok)
		}
	}
	f(30*time.Minute, 1, 0.5, time.Hour)
	f(0, -1, 0.5, time.Hour)
	f(0, 0, 0.5, time.Hour)
	f(0, 1, 1, time.Hour)
	f(0, 1, 1.5, time.Hour)
	f(0, 0.25, 0.5, time.Hour)
	f(2*time.Hour, 0.25, 0.5, 2*time.Hour)
}

// TestDigest: it is another one for all that makes another fraction of the same events, and for nothing else.
func TestDigest(t *testing.T) {
	const measures = "pack: p\nmeasures: {clicks: {sum: count, types: [click]}, views: {sum: count, types: [view]}}\nrules:\n  - "
	of := func(text string) uint32 {
		t.Helper()
		for r := range enginetest.Compile(t, text).Rules {
			return digestOf(r)
		}
		return 0
	}
	same := of(measures + "{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10, views: 10}, levels: [0.5, 1]}")
	for text, want := range map[string]bool{
		measures + "{id: r, title: A, by: incident, window: 10d, step: 1d, limits: {clicks: 10, views: 10}}":                                true,
		measures + "{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 11, views: 10}}":                                          false,
		measures + "{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10}}":                                                     false,
		measures + "{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10, views: 10}, combine: all}":                            false,
		measures + "{id: r, by: incident, window: 20d, step: 1d, limits: {clicks: 10, views: 10}}":                                          false,
		strings.Replace(measures, "[view]", "[click]", 1) + "{id: r, by: incident, window: 10d, step: 1d, limits: {clicks: 10, views: 10}}": false,
	} {
		if got := of(text); (got == same) != want {
			t.Errorf("%s: %v", text, got == same)
		}
	}
}
