// Package fetchtest is a log in memory, for the tests of packages that read one.
package fetchtest

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// ErrDown is what a log answers that does not answer.
var ErrDown = errors.New("log is down for the test")

// Log is the partitions of a topic, each with its records from offset 0 on. It is a fetch.Source.
type Log [][]records.Record

// Click is a record of a click with an id, at a Kafka timestamp in ms.
func Click(id string, millis int64) records.Record {
	return records.Record{Timestamp: millis, Value: []byte(`{"id":"` + id + `","time":"2026-01-01T00:00:00Z","type":"click","incident":"A"}`)}
}

// ClicksAt is the Kafka timestamp of the records of Clicks, ms.
const ClicksAt = 1_767_225_600_000

// Clicks is a log of one partition with so many clicks, all of one id.
func Clicks(n int) Log { return Log{slices.Repeat([]records.Record{Click("1", ClicksAt)}, n)} }

// Open is fetch.Source's, as are the next three.
func (l Log) Open(_ string, partition int, offset int64) fetch.Reader {
	return l.Reader(partition, offset)
}

// Reader is what Open returns.
func (l Log) Reader(partition int, offset int64) *Reader {
	return &Reader{records: l[partition], At: offset}
}

// Offsets is that of fetch.Source.
func (l Log) Offsets(_ context.Context, _ string, partition int) (start, end int64, err error) {
	return 0, int64(len(l[partition])), nil
}

// OffsetAt is that of fetch.Source.
func (l Log) OffsetAt(_ context.Context, _ string, partition int, ms int64) (int64, error) {
	i := slices.IndexFunc(l[partition], func(r records.Record) bool { return r.Timestamp >= ms })
	if i < 0 {
		i = len(l[partition])
	}
	return int64(i), nil
}

// Partitions is that of fetch.Source.
func (l Log) Partitions(context.Context, string) (int, error) { return len(l), nil }

// Reader reads a partition of it. It is its own record set.
type Reader struct {
	records []records.Record
	At      int64 // offset of the next record
}

// Next is fetch.Reader's, as are SeekTo and Close.
func (r *Reader) Next(ctx context.Context) (fetch.RecordSet, error) {
	if end := int64(len(r.records)); r.At > end {
		return nil, &fetch.OutOfRange{Offset: r.At, End: end}
	}
	return r, ctx.Err()
}

// SeekTo is that of fetch.Reader.
func (r *Reader) SeekTo(offset int64) { r.At = offset }

// Close is that of fetch.Reader.
func (r *Reader) Close() {}

// Read is fetch.RecordSet's, as is Span.
func (r *Reader) Read(_ context.Context, rec *records.Record) (bool, error) {
	if r.At >= int64(len(r.records)) {
		return false, nil
	}
	*rec = r.records[r.At]
	rec.Offset = r.At
	r.At++
	return true, nil
}

// Span is that of fetch.RecordSet.
func (r *Reader) Span() (next, end int64) { return r.At, int64(len(r.records)) }
