package engine_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// fuzzPacks have windows of several sizes, one a pack.
func fuzzPacks() (texts []string) {
	for _, window := range []string{"60s, step: 1s", "1h, step: 1m", "3h, step: 3h", "730d, step: 1d", "36500d, step: 365d"} {
		texts = append(texts, `{pack: p, measures: {clicks: {sum: count, types: [click]}, readers: {distinct: account, types: [click, view]}}, rules: [
			{id: r, title: t, cite: c, by: incident, window: `+window+`, limits: {clicks: 10, readers: 4}, levels: [0.5, 1], clear: 0.4},
			{id: s, title: t, cite: c, by: account, window: `+window+`, limits: {clicks: 5}, levels: [1], clear: 0.6}]}`)
	}
	return texts
}

// fuzzEvent is an event of ten bytes: a time anywhere, or one near that before it; whose it is; how often.
func fuzzEvent(n int, before time.Time, b []byte) (line []byte, at time.Time) {
	const first, span = -9_214_560_000, 18_429_206_400 // seconds: 1678-01-01, and to 2262-01-01
	x := binary.LittleEndian.Uint64(b)
	switch b[8] >> 6 {
	case 0:
		at = time.Unix(first+int64(x%span), int64(x>>40))
	case 1:
		at = time.Unix(before.Unix()+int64(int16(x)), int64(x>>40))
	case 2:
		at = time.Unix(before.Unix()+int64(int32(x)), int64(x>>40))
	default:
		at = before
	}
	at = time.Unix(min(max(at.Unix(), first), first+span-1), int64(at.Nanosecond())).UTC()
	kind := []string{"click", "view"}[b[8]>>5&1]
	if b[9] >= 0xf0 {
		kind = "canary"
	}
	return fmt.Appendf(nil, `{"id":"e%d","time":%q,"type":%q,"incident":"i%d","account":"a%d","count":%d}`,
		n, at.Format(time.RFC3339Nano), kind, b[8]&3, b[8]>>2&7, 1+b[9]%16), at
}

// FuzzApply: events of any times, in any order, are applied within a moment, and give what the oracle gives.
func FuzzApply(f *testing.F) {
	texts := fuzzPacks()
	programs := make([]*engine.Program, len(texts))
	for i, text := range texts {
		programs[i] = enginetest.Compile(f, text)
	}
	f.Add(uint8(1), []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0f\x00\x00\x01\x00\x00\x00\x00\x00\x80\x0f"))
	f.Add(uint8(3), bytes.Repeat([]byte("\xff\x00\xff\x7f\x01\x00\x00\x00\x83\x0a"), 9))
	f.Add(uint8(1), []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0f\x00\x20\x00\x00\x00\x00\x00\x00\x40\xff")) // a canary ends an episode
	f.Add(uint8(0), bytes.Repeat([]byte("\x10\xff\x00\x00\x00\xff\x00\x00\x41\x0a"), 9))
	f.Fuzz(func(t *testing.T, pack uint8, data []byte) {
		n := int(pack) % len(texts)
		o, err := oracle.New([]byte(texts[n]))
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		r := engine.NewReplay(programs[n], engine.IntakeOptions{}, math.MaxInt64, func(c *thresholds.Crossing) { got = append(got, string(c.AppendJSON(nil))) })
		within(t, tooLong, func() {
			at, i := time.Unix(0, 0), 0
			for b := range slices.Chunk(data[:min(len(data), 500)/10*10], 10) {
				var line []byte
				line, at = fuzzEvent(i, at, b)
				i++
				if err := r.Line(line); err != nil {
					t.Errorf("%s: %v", line, err)
				}
				for _, c := range o.Apply(line, oracle.EventTime) {
					want = append(want, string(c.JSON()))
				}
			}
		})
		if !slices.Equal(got, want) {
			t.Errorf("want\n%s\ngot\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
		enginetest.CompareCounts(t, r, o)
	})
}
