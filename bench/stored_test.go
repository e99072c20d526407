//go:build linux

package bench

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

const dayLong = int64(24 * time.Hour)

// BenchmarkStored shows what Redis needs, keys and its own tables included. It measures a subject
// with three counters and one day of events, and a member of a set of so many. One operation fills
// a Redis.
func BenchmarkStored(b *testing.B) {
	sums := &windows.Layout{Counters: []windows.Spec{
		{ID: 1 << 60, Op: windows.Sum, Step: dayLong, N: 730},
		{ID: 2 << 60, Op: windows.Sum, Step: dayLong, N: 730},
		{ID: 3 << 60, Op: windows.Sum, Step: dayLong, N: 730},
	}}
	set := &windows.Layout{Counters: []windows.Spec{
		{ID: 1 << 60, Op: windows.Distinct, Step: dayLong, N: 730, Cap: 1_000_000},
	}}
	b.Run("subject", func(b *testing.B) {
		storedBytes(b, sums, 100_000, 1, func(s *windows.Subject, _ int) {
			for i := range sums.Counters {
				s.Add(i, dayLong, 0, 1_000)
			}
		})
	})
	for _, members := range []int{10, 100, 2_000, 20_000} {
		b.Run(fmt.Sprint("member/", members), func(b *testing.B) {
			storedBytes(b, set, max(10, 200_000/members), members, func(s *windows.Subject, n int) {
				keys := rand.New(rand.NewPCG(uint64(n), 1))
				for range members {
					s.Add(0, dayLong, keys.Uint64(), 0)
				}
			})
		})
	}
}

// storedBytes writes that many subjects, filled by fill, and reports the bytes
// for each of their parts.
func storedBytes(b *testing.B, l *windows.Layout, subjects, parts int, fill func(s *windows.Subject, n int)) {
	server := servers.Redis(b, servers.RedisOptions{})
	store := open(b, server.Addr())
	for b.Loop() {
		server.Do("FLUSHALL")
		before := number(server, "memory", "used_memory")
		c := &windowstore.Commit{}
		for n := range subjects {
			s := windows.NewSubject(l)
			s.Touch(dayLong)
			s.Advance(dayLong)
			fill(s, n)
			addSubject(c, store.Keys(), s, n)
			if c.Len() > 1_000 || n == subjects-1 {
				if res, err := store.Commit(b.Context(), 7, c); err != nil || res.Outcome != windowstore.Done {
					b.Fatalf("outcome %d, error %v", res.Outcome, err)
				}
				c = &windowstore.Commit{}
			}
		}
		size := number(server, "memory", "used_memory") - before
		b.ReportMetric(size/float64(subjects*parts), "redis-B")
	}
}

// addSubject puts what is written of a subject into a commit.
func addSubject(c *windowstore.Commit, keys windowstore.Keys, s *windows.Subject, n int) {
	id := fmt.Appendf(nil, "inc-%06d", n)
	for _, p := range s.Dirty(nil) {
		c.Puts = append(c.Puts, windowstore.Put{Key: keys.AppendPartKey(nil, 7, s.PartID(nil, p), "incident", id), Value: s.AppendPart(nil, p)})
	}
	var version [windows.VersionSize]byte
	binary.BigEndian.PutUint64(version[:], uint64(n)+1)
	c.Records = append(c.Records, windowstore.Record{Key: keys.AppendRecordKey(nil, 7, "incident", id), Value: s.AppendRecord(nil, version, 1)})
}
