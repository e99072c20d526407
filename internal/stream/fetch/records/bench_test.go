package records

import (
	"fmt"
	"testing"
)

// events makes n records of about 200 bytes of JSON.
func events(first int64, n int) []Record {
	records := make([]Record, n)
	for i := range records {
		o := first + int64(i)
		value := fmt.Appendf(nil, `{"id":"%016x","time":"2026-11-22T10:%02d:%02d.%03dZ","type":"click","incident":"inc-%d","account":"acc-%06d","content":"c-%d","media":"video","count":1,"group":"g-%05d","members":%d}`,
			uint64(o)*0x9e3779b97f4a7c15, i/60%60, i%60, i%1000, i*7919%1000, i*104729%200000, i%5000, i*31%100000, i%500)
		records[i] = Record{Offset: o, Timestamp: 1_700_000_000_000 + int64(i), Key: fmt.Appendf(nil, "inc-%d", i*7919%1000), Value: value}
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
