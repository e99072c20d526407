package redis

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// benchCommit commits records of 60 bytes under one fence, again and again. Every commit
// changes every version.
func benchCommit(b *testing.B, s store.Store, records int) {
	var two [2]*store.Commit // each expects what the other wrote
	number := func(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	for i := range two {
		from, to := number(i), number(1-i)
		two[i] = &store.Commit{Fences: []store.Fence{{Key: s.Keys().AppendFenceKey(nil, 7, "dissemination-events", 3), From: from, To: to}}}
		for n := range records {
			key := s.Keys().AppendRecordKey(nil, 7, "incident", fmt.Append(nil, "inc-", n))
			two[i].Records = append(two[i].Records, store.Record{Key: key, Version: from, Value: append(to, make([]byte, 52)...)})
		}
	}
	first := *two[1]
	first.Fences, first.Records = []store.Fence{two[1].Fences[0]}, append([]store.Record(nil), two[1].Records...)
	first.Fences[0].From = nil
	for i := range first.Records {
		first.Records[i].Version = nil
	}
	commit := func(c *store.Commit) {
		if res, err := s.Commit(b.Context(), 7, c); err != nil || res.Outcome != store.Done {
			b.Fatalf("outcome %d, error %v", res.Outcome, err)
		}
	}
	commit(&first)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		commit(two[i%2])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
}

func benchLoad(b *testing.B, s store.Store, records int) {
	var keys [][]byte
	for n := range records {
		keys = append(keys, s.Keys().AppendRecordKey(nil, 7, "incident", fmt.Append(nil, "inc-", n)))
		if err := s.Put(b.Context(), 7, keys[n], make([]byte, 60)); err != nil {
			b.Fatal(err)
		}
	}
	var dst [][]byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = s.Load(b.Context(), 7, keys, dst); err != nil || len(dst[0]) != 60 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
}

// benchStores runs f on Mem and on a Redis, whose CPU time it shows.
func benchStores(b *testing.B, f func(b *testing.B, s store.Store, records int)) {
	for _, records := range []int{50, 1988} {
		b.Run(fmt.Sprint("mem/", records), func(b *testing.B) { f(b, store.NewMem(16), records) })
		b.Run(fmt.Sprint("redis/", records), func(b *testing.B) {
			server := servers.Redis(b, servers.RedisOptions{Args: []string{"--auto-aof-rewrite-percentage", "0"}})
			r := openRedis(b, Options{Addrs: []string{server.Addr()}})
			before := server.CPU()
			f(b, r, records)
			b.ReportMetric(float64((server.CPU()-before).Nanoseconds())/float64(b.N*records), "redis-ns/record")
		})
	}
}

func BenchmarkCommit(b *testing.B) { benchStores(b, benchCommit) }

func BenchmarkLoad(b *testing.B) { benchStores(b, benchLoad) }
