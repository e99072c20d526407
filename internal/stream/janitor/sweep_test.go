package janitor

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"

	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
)

// lacking is a store of which one shard cannot be reached.
type lacking struct {
	*windowstore.Mem
	shard int
}

func (s *lacking) Armed(ctx context.Context, shard int, upTo int64, limit int) ([]windowstore.Due, error) {
	if shard == s.shard {
		return nil, errCut
	}
	return s.Mem.Armed(ctx, shard, upTo, limit)
}

// TestClearsOfOthers: a shard whose index cannot be read keeps no other from its clears.
func TestClearsOfOthers(t *testing.T) {
	r := newClicksRig(t)
	r.Clicks(10)
	r.Reach(20)
	r.twoShards("A")
	if err := r.Store.Arm(t.Context(), 1, windowstore.Due{Member: r.Store.Keys().AppendMember(nil, "incident", []byte("A"))}); err != nil {
		t.Fatal(err)
	}
	r.over(&lacking{r.Store, 0})
	r.janitor.Clears(t.Context())
	if first, second := len(r.options.In[0]), len(r.options.In[1]); first != 0 || second != 1 {
		t.Errorf("%d and %d messages", first, second)
	}
}

// TestIndexOfSubjectBehind: the index has a clear by its date and the subject's delay, and sooner once the subject has
// caught up, so that it is not noticed late.
func TestIndexOfSubjectBehind(t *testing.T) {
	r := newClearsRig(t)
	views := func(incident, at string, n int) {
		t.Helper()
		r.Count(fmt.Sprintf(`{"id":"%s%s","time":"2026-01-02T%sZ","type":"view","incident":%q,"count":%d}`, incident, at, at, incident, n))
		r.Shard.Publish()
	}
	armed := func(want string) {
		t.Helper()
		got := "none"
		if due := r.Armed(); len(due) > 0 {
			got = time.Unix(due[0].Unix, 0).UTC().Format("15:04:05")
		}
		if got != want {
			t.Errorf("in the index by %s, want %s", got, want)
		}
	}
	views("Y", "02:00:00", 1)
	views("X", "01:00:00", 10)
	armed("03:01:00") // dated 02:01, and an hour behind
	views("X", "01:30:00", 1)
	armed("02:31:00")
	views("Y", "02:20:00", 1)
	views("X", "01:40:00", 1)
	armed("02:31:00") // by 02:41 is enough
	views("Y", "02:35:00", 1)
	r.sweep()
	armed("02:41:00") // it was looked at
	views("Y", "02:40:59", 1)
	r.sweep()
	armed("02:41:00")
	views("Y", "02:41:00", 1)
	r.sweep()
	armed("none")
	if got := shardtest.OutboxIDs(t, r.Store); !slices.Equal(got, []string{"short/incident/X/1/0.8", "short/incident/X/1/1", "short/incident/X/1/0"}) {
		t.Errorf("crossings %v", got)
	}
}

// TestClearIsOfNow: the crossing of a clear that nothing but time makes waits since it was made, also in a process that has applied nothing.
func TestClearIsOfNow(t *testing.T) {
	r := newClicksRig(t)
	r.Clicks(10)
	program, before := r.Shard.Program, time.Now().UnixMilli()
	r.Reach(20)                                // others have moved the stream's time
	s, _ := shardtest.New(t, program, r.Store) // a process that was started again
	r.Shard = s
	s.StreamTimeShared.Store(time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC).UnixNano())
	r.hire(Options{
		Options: s.Options, Shards: []*shard.Shard{s}, In: []chan shard.Message{make(chan shard.Message, 1)},
		Owned: func(int) bool { return true }, Step: 1, Recompute: 1 << 30, Rest: func(context.Context, time.Duration) {},
	})
	r.sweep()
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	cleared := 0
	for _, e := range shardtest.Outbox(t, r.Store) {
		if e.Status != "cleared" {
			continue
		}
		if cleared++; e.Timestamp < before {
			t.Errorf("%s waits since %d, it was made after %d", e.ID, e.Timestamp, before)
		}
	}
	if cleared == 0 {
		t.Error("nothing was cleared")
	}
}
