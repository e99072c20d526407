package shard_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestSubjectBehind: a shard gives what replay gives, whatever its batches, and after it was ended anywhere.
func TestSubjectBehind(t *testing.T) {
	p := enginetest.Compile(t, enginetest.LaggingPack)
	lines := append(enginetest.LaggingLines(), enginetest.Click("other", "13:00:47"), enginetest.Click("old", "10:59:00"), enginetest.Click("old", "11:02:00"))
	want, _ := enginetest.Replayed(t, p, lines)
	for i := range want {
		_, want[i], _ = strings.Cut(want[i], " ")
		want[i], _, _ = strings.Cut(want[i], " ")
	}
	for cut := 1; cut < len(lines); cut++ {
		store, feed := windowstore.NewMem(1), shardtest.NewFeeder(p)
		for _, some := range [][]string{lines[:cut], lines[cut:]} { // two processes, one after the other
			s, l := shardtest.New(t, p, store)
			feed.Count(t, s, l, some...)
		}
		if got := shardtest.OutboxIDs(t, store); !slices.Equal(got, want) {
			t.Errorf("ended after %d lines: got %v, want %v", cut, got, want)
		}
		values, err := store.Load(t.Context(), 0, [][]byte{store.Keys().AppendRecordKey(nil, 0, "incident", []byte("old"))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		old, err := windows.DecodeSubject(&p.Kinds[0].Layout, values[0])
		if err != nil {
			t.Fatal(err)
		}
		if behind := time.Hour + 58*time.Minute + 47*time.Second; old.Delay() != uint64(behind) { // a click of 11:02:00 at 13:00:47
			t.Errorf("ended after %d lines: delay %v, want %v", cut, time.Duration(old.Delay()), behind)
		}
	}
}
