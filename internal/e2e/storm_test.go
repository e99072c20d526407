//go:build slow

package e2e

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// The limits of the storms' config, all of them small.
const (
	stormPartitions = 2
	stormShards     = 16
	stormFetch      = 1 << 20
	stormCache      = 16 << 20
	stormIDs        = 50_000
)

// stormBound is what the program may take at most, resident, in bytes. It depends on the config alone, not on what comes.
func stormBound() int {
	const (
		base   = 40 << 20                      // the program, its libraries, their buffers
		fetch  = 4*stormFetch + 3*stormPiece   // two sets of a partition, each up to twice its size; a batch decompressed, and while it grows; its window
		ids    = 40 * stormIDs                 // of a partition's duplicates
		runs   = 2 * stormShards * (512 << 10) // between a partition and its shards
		letter = 4 << 20                       // dead letters of a partition, and their copies on the way
		commit = 4 << 20                       // of a shard: the batch, and the subjects that a run brings
	)
	live := base + stormPartitions*(fetch+ids+runs+letter) + stormShards*commit + stormCache
	return 2 * live // the garbage collector lets the heap grow to twice what lives
}

const (
	stormBatch = 4 << 20  // how large batches are when decompressed, except bombs
	stormBomb  = 90 << 20 // how large those are
	stormPiece = 8 << 20  // how much of a batch is decompressed at once at most
)

// peak is the most memory that the daemon has had, resident, in bytes.
func (d *daemon) peak() int {
	d.t.Helper()
	n, err := d.PeakMemory()
	if err != nil {
		d.t.Fatal(err)
	}
	return int(n)
}

// storm is many records of one kind.
type storm struct {
	records int
	value   func(n int) string
	limits  []string // metrics, with labels, that show what is at its limit
	codec   kgo.CompressionCodec
	most    int32 // bytes of a batch; 0: stormBatch
	bomb    func(r *kgo.Record)
}

// bombs is a storm of clicks with each third click made a bomb.
func bombs(n int, codec kgo.CompressionCodec, bomb func(r *kgo.Record)) storm {
	return storm{
		records: n, codec: codec, most: stormBomb, bomb: bomb, limits: []string{`aggregator_dead_letters_total{reason="too-large"`},
		value: func(n int) string {
			return fmt.Sprintf(`{"id":"storm-%d","time":%q,"type":"click","incident":"bomb"}`, n, sampleTime)
		},
	}
}

func headerBomb(r *kgo.Record) { r.Headers = make([]kgo.RecordHeader, 1_000_000) }

var bombZeros = make([]byte, 80<<20)

func valueBomb(r *kgo.Record) { r.Value = bombZeros }

func TestSlowStorms(t *testing.T) {
	kafka := servers.SharedKafka(t)
	click := func(n int, incident, account string) string {
		return fmt.Sprintf(`{"id":"storm-%d","time":%q,"type":"click","incident":%q,"account":%q}`, n, sampleTime, incident, account)
	}
	wide := strings.Repeat("x", 64<<10-300)
	for name, s := range map[string]storm{
		"every record malformed": {
			records: 400_000, value: func(n int) string { return fmt.Sprintf(`{"id":"bad-%d","time":5}`, n) },
			limits: []string{`aggregator_dead_letters_total{reason="wrong-type"}`},
		},
		"64 KiB": {records: 12_000, value: func(n int) string {
			if n%3 == 0 {
				return "{" + wide + "}"
			}
			return strings.Replace(click(n, fmt.Sprint("wide-", n%100), "a"), "}", `,"note":"`+wide+`"}`, 1)
		}, limits: []string{`aggregator_dead_letters_total{reason="syntax"}`}},
		"a million incidents": {
			records: 1_000_000, value: func(n int) string { return click(n, fmt.Sprint("incident-", n), "a") },
			limits: []string{"aggregator_cache_evicted_total", "aggregator_duplicate_window_shortened_total"},
		},
		"one incident": {
			records: 400_000, value: func(n int) string { return click(n, "one", fmt.Sprint("account-", n)) },
			limits: []string{"aggregator_capped_total", "aggregator_duplicate_window_shortened_total"},
		},
		"bombs in zstd":     bombs(120, kgo.ZstdCompression(), valueBomb),
		"bombs in gzip":     bombs(60, kgo.GzipCompression(), valueBomb),
		"bombs in lz4":      bombs(60, kgo.Lz4Compression(), valueBomb),
		"a million headers": bombs(120, kgo.ZstdCompression(), headerBomb),
	} {
		t.Run(name, func(t *testing.T) { s.test(t, kafka) })
	}
}

// test sends two thirds of the storm, and then the rest: memory stays within its bound, and what comes later needs no more.
func (s *storm) test(t *testing.T, kafka *servers.KafkaServer) {
	redis := servers.Redis(t, servers.RedisOptions{})
	at := newSite(t, kafka, siteOptions{partitions: stormPartitions, redis: redis.Addr(), extra: fmt.Sprintf(
		"cache_bytes: %d\ndedupe: {max_ids: %d}\n", stormCache, stormIDs)})
	d := at.start("aggregator")
	began := time.Now()
	s.send(at, 0, 2*s.records/3) // until buffers are as large as they become
	first := d.peak()
	s.send(at, 2*s.records/3, s.records)
	last := d.peak()
	t.Logf("%d records in %v: peak %d MiB after two thirds, %d MiB at the end, bound %d MiB; cache %.0f bytes",
		s.records, time.Since(began).Round(time.Second), first>>20, last>>20, stormBound()>>20, d.metric("aggregator_cache_bytes"))
	if last > stormBound() || last > first+first/3+(32<<20) {
		t.Errorf("peak %d MiB after two thirds, %d MiB at the end, bound %d MiB", first>>20, last>>20, stormBound()>>20)
	}
	for _, limit := range s.limits {
		name, label, _ := strings.Cut(limit, "{")
		if d.metric(name, strings.TrimSuffix(label, "}")) == 0 {
			t.Errorf("%s is 0", limit)
		}
	}
	if n := d.metric("aggregator_cache_bytes"); n > stormCache+stormShards*(2<<20) {
		t.Errorf("aggregator_cache_bytes is %v", n)
	}
	d.Stop()
}

// send sends records and waits until all are counted.
func (s *storm) send(at *site, from, to int) {
	at.t.Helper()
	codec := kgo.ZstdCompression()
	if s.bomb != nil {
		codec = s.codec
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(at.kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(cmp.Or(s.most, stormBatch)), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
	if err != nil {
		at.t.Fatal(err)
	}
	defer client.Close()
	day, _ := time.Parse(time.RFC3339, sampleTime)
	const some = 20_000
	for ; from < to; from += some {
		var list []*kgo.Record
		for n := from; n < min(to, from+some); n++ {
			r := &kgo.Record{Topic: at.events, Partition: int32(n % stormPartitions), Value: []byte(s.value(n)), Timestamp: day}
			if s.bomb != nil && n%3 == 0 {
				s.bomb(r)
			}
			list = append(list, r)
		}
		if err := client.ProduceSync(at.t.Context(), list...).FirstErr(); err != nil {
			at.t.Fatal(err)
		}
	}
	at.awaitDone()
}
