//go:build slow

package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sizes are records about their bounds.
func (g *poisoner) sizes() payload {
	var list []*kgo.Record
	for _, n := range []int{64<<10 - 1, 64 << 10, 64<<10 + 1, 900_000, 1<<20 - 200, 1 << 20, 1<<20 + 1, 3 << 20} {
		text := g.event(`"note":"%"`)
		list = append(list, g.record(strings.Replace(text, "%", strings.Repeat("x", n-len(text)+1), 1)))
	}
	x := payloadOf(list...)
	x.codec = pick(g, kgo.GzipCompression(), kgo.ZstdCompression())
	return x
}

// largeBatches are events in a batch of megabytes, in which some are alike that are far from each other.
func (g *poisoner) largeBatches() payload {
	noise := make([]byte, 30_000)
	for i := range noise {
		noise[i] = "0123456789abcdef"[g.rng.IntN(16)]
	}
	var list []*kgo.Record
	for i := range 200 {
		note := strings.Repeat("x", 60_000)
		if i%99 == 0 {
			note = string(noise)
		}
		list = append(list, g.record(g.event(`"note":"`+note+`"`)))
	}
	x := payloadOf(list...)
	x.codec = pick(g, kgo.GzipCompression(), kgo.ZstdCompression(), kgo.Lz4Compression(), kgo.SnappyCompression())
	return x
}

func zeros(n int) []byte { return make([]byte, n) }

// ourHeaders are dead letters that somebody puts back, or who looks like one.
func (g *poisoner) ourHeaders() payload {
	var list []*kgo.Record
	for range 20 {
		var headers []kgo.RecordHeader
		for range 1 + g.rng.IntN(12) {
			headers = append(headers, kgo.RecordHeader{
				Key: pick(g, "", "aggregator.original.", "aggregator.original.aggregator.original.") + pick(g, "__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset", "__connect.errors.stage",
					"__connect.errors.exception.message", "aggregator.reason", "aggregator.value.bytes", "aggregator.", "__connect.errors."),
				Value: pick(g, nil, []byte{}, []byte("-1"), []byte("9999999999999999999"), []byte(g.text()), zeros(5000)),
			})
		}
		list = append(list, g.record(pick(g, "x", "{", g.event(), string(zeros(1_200_000)), string(zeros(70_000))), headers...))
	}
	x := payloadOf(list...)
	x.codec = pick(g, kgo.GzipCompression(), kgo.ZstdCompression())
	return x
}

func (g *poisoner) largeHeaders() payload {
	large := kgo.RecordHeader{Key: "h", Value: zeros(1_500_000)}
	name := kgo.RecordHeader{Key: strings.Repeat("h", 1_500_000)}
	x := payloadOf(g.record("x", large), g.record(g.event(), large), g.record(g.event(), name), g.record("x", name, large), g.record("x", kgo.RecordHeader{Key: "h", Value: zeros(60 << 10)}),
		g.record(g.event(), kgo.RecordHeader{Key: "h", Value: zeros(64<<10 - 1)}), g.record(g.event(), kgo.RecordHeader{Key: "h", Value: zeros(64 << 10)}))
	x.codec = pick(g, kgo.GzipCompression(), kgo.ZstdCompression())
	return x
}

func (g *poisoner) manyHeaders() payload {
	var list []*kgo.Record
	for _, n := range []int{999, 1000, 1001, 20_000} {
		headers := make([]kgo.RecordHeader, n)
		list = append(list, g.record(g.event(), headers...), g.record("x", headers...))
	}
	x := payloadOf(list...)
	x.codec = pick(g, kgo.GzipCompression(), kgo.ZstdCompression(), kgo.NoCompression())
	return x
}

// letterBomb is what makes many dead letters of little.
func (g *poisoner) letterBomb() payload {
	var list []*kgo.Record
	value := bytes.Repeat([]byte("x"), 2000)
	for range g.size(5_000, 33_000) {
		list = append(list, &kgo.Record{Value: value, Timestamp: time.Now()})
	}
	x := payloadOf(list...)
	x.codec = kgo.ZstdCompression()
	return x
}

// timestamps are what clients may claim when a record was made. Those more than an hour from now in the future the broker refuses.
func (g *poisoner) timestamps() payload {
	var list []*kgo.Record
	for range 40 {
		r := g.record(g.event())
		now := time.Now()
		r.Timestamp = pick(g, now.Add(59*time.Minute), now.Add(-59*time.Minute), now.AddDate(-50, 0, 0), now.AddDate(-60, 0, 0), time.UnixMilli(0), time.UnixMilli(1), time.UnixMilli(now.Unix()), time.UnixMilli(-1), time.UnixMilli(-5), time.UnixMilli(-1<<50))
		list = append(list, r)
	}
	return payloadOf(list...)
}

func (g *poisoner) transactions() payload {
	x := pick(g, (*poisoner).times, (*poisoner).texts, (*poisoner).shapes, (*poisoner).numbers)(g)
	if x.transaction = pick(g, committed, aborted); x.transaction == aborted {
		x.counted = 0
	}
	x.codec = pick(g, kgo.NoCompression(), kgo.ZstdCompression())
	return x
}

// repeats are ids that others use, too.
func (g *poisoner) repeats() payload {
	var list []*kgo.Record
	for range 300 {
		list = append(list, g.record(g.event(fmt.Sprintf(`"id":"squat-%d"`, g.rng.IntN(20)))))
	}
	return payloadOf(list...)
}
