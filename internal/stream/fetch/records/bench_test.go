package records

import (
	"fmt"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// events makes n records of about 200 bytes of JSON.
func events(first int64, n int) []Record {
	records := make([]Record, n)
	for i := range records {
		o := first + int64(i)
		records[i] = Record{Offset: o, Timestamp: 1_700_000_000_000 + int64(i), Key: fmt.Appendf(nil, "inc-%d", i*7919%1000), Value: recordstest.Event(uint64(o), i)}
	}
	return records
}

// BenchmarkWalk reads a set of 1 MiB in batches of 200 records, as a producer
// with a batch size of 40 KB makes them. One operation is one record.
func BenchmarkWalk(b *testing.B) {
	for _, codec := range []int16{codecNone, codecLZ4, codecZstd, codecSnappy, codecGzip} {
		b.Run(codecNames[codec], func(b *testing.B) {
			var raw []byte
			n, size := 0, 0
			for n < 5000 {
				records := events(int64(n), 200)
				raw = packed(records...).squeezed(codec).append(raw)
				n += len(records)
				size += len(records[0].Value)
			}
			s := setOf(0, raw)
			var r Record
			bytes := 0
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; {
				s.Open(0)
				for i < b.N {
					ok, err := s.Read(b.Context(), &r)
					if err != nil {
						b.Fatal(err)
					}
					if !ok {
						break
					}
					bytes += len(r.Value)
					i++
				}
			}
			b.ReportMetric(float64(len(raw))/float64(n), "wire-B/op")
			b.ReportMetric(float64(bytes)/float64(b.N), "value-B/op")
		})
	}
}
