package inforce

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestChanged: a partition that other rules decided last tells, whatever the others say.
func TestChanged(t *testing.T) {
	store := windowstore.NewMem(1)
	partitions := []position.TopicPartition{{Topic: "e", Partition: 0}, {Topic: "e", Partition: 1}}
	f := func(want bool, partition int, text string) {
		t.Helper()
		if err := store.Put(t.Context(), 0, store.Keys().AppendHistoryKey(nil, 0, "e", partition), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := Changed(t.Context(), store, partitions, "9f86d081884c7d65"); err != nil || got != want {
			t.Errorf("%s: %v, error %v", text, got, err)
		}
	}
	f(false, 0, "damaged")
	f(false, 0, "0:60303ae22b998861:1767225600000 5:9f86d081884c7d65:1767312000000")
	f(false, 1, "")
	f(true, 1, "0:60303ae22b998861:1767225600000")
	f(false, 1, "0:60303ae22b998861:1767225600000 5:9f86d081884c7d65:1767312000000")
}
