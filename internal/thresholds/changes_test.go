package thresholds

import (
	"fmt"
	"testing"
)

// TestCompare: what packs have otherwise than those of before.
func TestCompare(t *testing.T) {
	pack := func(text string) []*Pack {
		p, faults := Parse("p.yaml", []byte(text), Options{})
		for _, f := range faults {
			if !f.Warning {
				t.Fatal(f)
			}
		}
		return []*Pack{p}
	}
	before := pack(`
pack: p
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: recipient, types: [click]}, orders: {sum: count, types: [order]}}
rules:
  - {id: a, by: incident, window: 10d, step: 1d, limits: {clicks: 10}, clear: 0.5}
  - {id: b, by: incident, window: 10d, step: 1d, limits: {clicks: 10, orders: 9}}
  - {id: c, by: account, window: all, limits: {readers: 10}}
  - {id: d, by: account, window: all, limits: {readers: 10}}
`)
	now := pack(`
pack: p
measures: {clicks: {sum: count, types: [click]}, readers: {distinct: recipient, types: [click, view]}, orders: {sum: count, types: [order]}}
rules:
  - {id: e, by: incident, window: 10d, step: 1d, limits: {clicks: 10}}
  - {id: a, title: T, by: incident, window: 20d, step: 2d, limits: {clicks: 12}, levels: [1]}
  - {id: b, by: incident, window: 10d, step: 1d, limits: {clicks: 10, readers: 5}, combine: ratio}
  - {id: c, by: account, window: all, limits: {readers: 10}}
`)
	want := "{[e] [d] [a: window 20d, was 10d; step 2d, was 1d; limit of clicks 12, was 10; levels 1, was 0.8 1; clear none, was 0.5; title T, was  " +
		"b: combine ratio, was any; limit of readers 5, was none; limit of orders none, was 9 c: readers counts otherwise]}"
	if got := fmt.Sprint(Compare(before, now)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := fmt.Sprint(Compare(now, now)); got != "{[] [] []}" {
		t.Errorf("the same: %s", got)
	}
}
