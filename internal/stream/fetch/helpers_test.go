package fetch

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// batchOf makes a batch of n records of offsets first, first+1, ...
func batchOf(first int64, n int) []byte {
	made := make([]kmsg.Record, n)
	for i := range made {
		made[i] = kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: int64(i), Key: fmt.Appendf(nil, "k%d", first), Value: fmt.Appendf(nil, "v%d", first)}
	}
	return servers.RecordBatch(first, 1000, int32(n), made...)
}

// text makes n bytes.
func text(n int) []byte { return bytes.Repeat([]byte(`{"type":"click"}`), n/16+1)[:n] }
