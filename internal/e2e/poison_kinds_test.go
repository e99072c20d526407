//go:build slow

package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// poisonKind is a kind of poison.
type poisonKind struct {
	name string
	make func(*poisoner) payload
}

// payload is what is sent at once, to one partition.
type payload struct {
	records     []*kgo.Record // as a client writes them
	codec       kgo.CompressionCodec
	transaction outcome
	batches     [][]byte // as they are, after the records
	each        int      // records of each batch
	counted     int      // records that the metrics must count, if the broker takes all; -1: unknown
}

// outcome is what becomes of a transaction.
type outcome int

const (
	none outcome = iota
	committed
	aborted
)

// payloadOf is a payload of records, each of which the metrics count once.
func payloadOf(records ...*kgo.Record) payload {
	return payload{records: records, counted: len(records)}
}

// poisoner makes poison.
type poisoner struct {
	rng   *rand.Rand
	made  int
	large bool // there is time for what takes long
}

var allPoisonKinds = []poisonKind{
	{"times", (*poisoner).times},
	{"times going back", (*poisoner).timesBack},
	{"numbers", (*poisoner).numbers},
	{"texts", (*poisoner).texts},
	{"shapes", (*poisoner).shapes},
	{"mutations", (*poisoner).mutations},
	{"other formats", (*poisoner).formats},
	{"envelopes", (*poisoner).envelopes},
	{"sizes", (*poisoner).sizes},
	{"large batches", (*poisoner).largeBatches},
	{"headers of ours", (*poisoner).ourHeaders},
	{"large headers", (*poisoner).largeHeaders},
	{"many headers", (*poisoner).manyHeaders},
	{"headers without end", (*poisoner).headerBomb},
	{"values without end", (*poisoner).valueBomb},
	{"keys without end", (*poisoner).keyBomb},
	{"small records without end", (*poisoner).recordBomb},
	{"dead letters that multiply", (*poisoner).letterBomb},
	{"broken compression", (*poisoner).brokenCompression},
	{"odd offsets", (*poisoner).oddOffsets},
	{"odd batches", (*poisoner).oddBatches},
	{"odd records", (*poisoner).oddRecords},
	{"timestamps", (*poisoner).timestamps},
	{"transactions", (*poisoner).transactions},
	{"repeated ids", (*poisoner).repeats},
	{"all at once", (*poisoner).allAtOnce},
}

func (g *poisoner) name(of string) string {
	g.made++
	return fmt.Sprintf("%s-%d", of, g.made)
}

// pick draws one of a list.
func pick[T any](g *poisoner, list ...T) T { return list[g.rng.IntN(len(list))] }

// record is a record of now.
func (g *poisoner) record(value string, headers ...kgo.RecordHeader) *kgo.Record {
	r := &kgo.Record{Value: []byte(value), Headers: headers, Timestamp: time.Now()}
	switch g.rng.IntN(4) {
	case 0:
		r.Key = []byte(g.text())
	case 1:
		r.Key = []byte{}
	}
	return r
}

// size is the larger one where there is time for it.
func (g *poisoner) size(usual, large int) int {
	if g.large && g.rng.IntN(2) == 0 {
		return large
	}
	return usual
}

// allAtOnce is some of everything that a client writes.
func (g *poisoner) allAtOnce() payload {
	var list []*kgo.Record
	for _, f := range []func(*poisoner) payload{
		(*poisoner).times, (*poisoner).timesBack, (*poisoner).numbers, (*poisoner).texts, (*poisoner).shapes, (*poisoner).mutations, (*poisoner).formats, (*poisoner).envelopes, (*poisoner).ourHeaders,
		(*poisoner).manyHeaders, (*poisoner).timestamps, (*poisoner).repeats,
	} {
		list = append(list, f(g).records...)
	}
	g.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	codec := pick(g, kgo.GzipCompression(), kgo.ZstdCompression(), kgo.Lz4Compression(), kgo.SnappyCompression())
	if codec == kgo.Lz4Compression() || codec == kgo.SnappyCompression() { // which would make more of it than the topic takes
		list = slices.DeleteFunc(list, func(r *kgo.Record) bool { return len(r.Value) > 100_000 || len(r.Headers) > 2000 })
	}
	x := payloadOf(list...)
	x.codec = codec
	return x
}
