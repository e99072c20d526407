package shardtest

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect/inspecttest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Armed is the index of armed subjects of shard 0.
func Armed(tb testing.TB, store windowstore.Store) []windowstore.Due {
	tb.Helper()
	due, err := store.Armed(tb.Context(), 0, 1<<40, 1_000)
	if err != nil {
		tb.Fatal(err)
	}
	return due
}

// Counts are the counts lines of a store of one shard.
func Counts(tb testing.TB, p *engine.Program, store windowstore.Store) (lines []string) {
	tb.Helper()
	err := inspecttest.Counts(tb.Context(), &inspect.Reader{Program: p, Store: store, Shards: 1}, func(line []byte) bool {
		lines = append(lines, string(line))
		return true
	})
	if err != nil {
		tb.Fatal(err)
	}
	return lines
}

// OutboxIDs are the ids of the crossings in the outbox of shard 0.
func OutboxIDs(tb testing.TB, store windowstore.Store) (ids []string) {
	tb.Helper()
	for _, e := range Outbox(tb, store) {
		ids = append(ids, e.ID)
	}
	return ids
}

// Outbox is what the outbox of shard 0 holds from its first number on.
func Outbox(tb testing.TB, store windowstore.Store) (entries []outbox.Entry) {
	tb.Helper()
	for n := uint64(0); ; n++ {
		values, err := store.Load(tb.Context(), 0, [][]byte{store.Keys().AppendOutboxKey(nil, 0, n)}, nil)
		if err != nil {
			tb.Fatal(err)
		}
		if values[0] == nil {
			return entries
		}
		e, err := outbox.ParseEntry(values[0])
		if err != nil {
			tb.Fatal(err)
		}
		entries = append(entries, e)
	}
}
