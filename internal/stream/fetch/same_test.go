package fetch

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// TestSameAsKgo compares what is read with what franz-go's consumer reads, of
// random records in every codec, in and out of transactions.
func TestSameAsKgo(t *testing.T) {
	const partitions = 3
	for _, bytes := range []int{1000, 1 << 20} {
		w := newWorld(t, 2, partitions, Options{PartitionBytes: bytes})
		w.fill("events", partitions, 400)
		w.sameAsKgo("events", partitions)
	}
}

// fill writes records to a topic, by a producer of each codec and by
// transactions that are open at once, committed and aborted. The last is open
// when it returns, so that the log ends in records nobody may see.
func (w *world) fill(topic string, partitions, steps int) {
	w.Helper()
	seed := rand.Uint64()
	w.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var producers []*kgo.Client
	for _, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		producers = append(producers, w.kgo(kgo.ProducerBatchCompression(codec)))
		txn := w.kgo(kgo.ProducerBatchCompression(codec), kgo.TransactionalID(fmt.Sprint(topic, codec)))
		if err := txn.BeginTransaction(); err != nil {
			w.Fatal(err)
		}
		producers = append(producers, txn)
	}
	for range steps {
		i := r.IntN(len(producers))
		w.random(r, producers[i], topic, partitions)
		if i%2 == 1 && r.IntN(3) == 0 {
			w.end(producers[i], r.IntN(2) == 0)
			if err := producers[i].BeginTransaction(); err != nil {
				w.Fatal(err)
			}
		}
	}
	for i := 1; i < len(producers); i += 2 {
		w.end(producers[i], i > 5)
	}
	for p := range partitions {
		last := &kgo.Record{Topic: topic, Partition: int32(p), Value: []byte(lastValue)}
		if err := producers[0].ProduceSync(w.ctx(), last).FirstErr(); err != nil {
			w.Fatal(err)
		}
	}
	if err := producers[1].BeginTransaction(); err != nil {
		w.Fatal(err)
	}
	w.random(r, producers[1], topic, partitions)
	w.random(r, producers[0], topic, partitions)
}

// lastValue is the value of the last visible record of each partition.
const lastValue = "the last one"

func (w *world) end(p *kgo.Client, commit bool) {
	w.Helper()
	if err := p.EndTransaction(w.ctx(), kgo.TransactionEndTry(commit)); err != nil {
		w.Fatal(err)
	}
}

// random writes a few records to a random partition.
func (w *world) random(r *rand.Rand, p *kgo.Client, topic string, partitions int) {
	w.Helper()
	partition := int32(r.IntN(partitions))
	var batch []*kgo.Record
	for range 1 + r.IntN(20) {
		k := &kgo.Record{Topic: topic, Partition: partition, Timestamp: time.UnixMilli(r.Int64N(1_600_000_000_000))}
		if r.IntN(4) > 0 {
			k.Key = text(r.IntN(20))
		}
		if r.IntN(4) > 0 {
			k.Value = text(r.IntN(300))
		}
		for range r.IntN(3) {
			h := kgo.RecordHeader{Key: fmt.Sprint(r.Uint32())}
			if r.IntN(2) > 0 {
				h.Value = text(r.IntN(10))
			}
			k.Headers = append(k.Headers, h)
		}
		batch = append(batch, k)
	}
	if err := p.ProduceSync(w.ctx(), batch...).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

// sameAsKgo reads a topic to its last stable offset in both ways.
func (w *world) sameAsKgo(topic string, partitions int) {
	w.Helper()
	ends := make([]int64, partitions)
	starts := make(map[int32]kgo.Offset)
	for p := range partitions {
		start, end, err := w.client.Offsets(w.ctx(), topic, p)
		if err != nil {
			w.Fatal(err)
		}
		ends[p], starts[int32(p)] = end, kgo.NewOffset().At(start)
	}
	theirs := w.readKgo(topic, starts)
	each(partitions, func(p int) {
		s := w.client.Open(topic, p, starts[int32(p)].EpochOffset().Offset)
		defer s.Close()
		ours, at := w.readStream(s, ends[p])
		if at != ends[p] {
			w.Errorf("%s/%d: came to %d of %d", topic, p, at, ends[p])
		}
		if i := firstDifference(ours, theirs[p]); i >= 0 {
			w.Errorf("%s/%d: %d records, franz-go %d; the first that differs:\n%s\n%s", topic, p, len(ours), len(theirs[p]), nth(ours, i), nth(theirs[p], i))
		}
		w.Logf("%s/%d: %d records of %d offsets", topic, p, len(ours), ends[p])
	})
}

func firstDifference(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if nth(a, i) != nth(b, i) {
			return i
		}
	}
	return -1
}

func nth(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "none"
}

func (w *world) readStream(s Stream, end int64) (got []string, at int64) {
	var r records.Record
	for at < end {
		set := w.next(s)
		for {
			ok, err := set.Read(w.ctx(), &r)
			if err != nil {
				w.Error(err)
				return got, at
			}
			if !ok {
				break
			}
			text := fmt.Sprintf("%d %d %s %s", r.Offset, r.Timestamp, recordstest.Show(r.Key), recordstest.Show(r.Value))
			for _, h := range r.Headers {
				text += fmt.Sprintf(" %s=%s", h.Key, recordstest.Show(h.Value))
			}
			got = append(got, text)
		}
		at = set.Next
	}
	return got, at
}

// readKgo reads by franz-go, to the last record of every partition.
func (w *world) readKgo(topic string, starts map[int32]kgo.Offset) [][]string {
	w.Helper()
	c := w.kgo(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	got := make([][]string, len(starts))
	for left := len(starts); left > 0; {
		fetches := c.PollFetches(w.ctx())
		if err := fetches.Err(); err != nil {
			w.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			text := fmt.Sprintf("%d %d %s %s", r.Offset, r.Timestamp.UnixMilli(), recordstest.Show(r.Key), recordstest.Show(r.Value))
			for _, h := range r.Headers {
				text += fmt.Sprintf(" %s=%s", h.Key, recordstest.Show(h.Value))
			}
			got[r.Partition] = append(got[r.Partition], text)
			if string(r.Value) == lastValue {
				left--
			}
		})
	}
	return got
}
