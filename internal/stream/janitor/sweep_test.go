package janitor

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"

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
