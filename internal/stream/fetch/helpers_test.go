package fetch

import (
	"bytes"
	"fmt"
	"testing"

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

func show(b []byte) string {
	if b == nil {
		return "null"
	}
	return string(b)
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
