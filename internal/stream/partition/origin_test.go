package partition

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestOrigin: where the fences of a partition with two shards are, by what the store has of them. The log has 9 records.
func TestOrigin(t *testing.T) {
	counting := &position.Position{Offset: 7, Clock: fetchtest.ClicksAt, Newest: engine.NoTime}
	made := &position.Position{Offset: 4, Clock: engine.NoTime, Newest: engine.NoTime}
	for _, x := range []struct {
		name   string
		stored [2]*position.Position
		begun  bool  // the keys are there that say that fences were made
		at     int64 // where the group began
		group  int64 // what it committed; -1: nothing
		refuse bool  // redis.lost
		want   string
		err    error
	}{
		{name: "new", group: -1, want: "0 0"},
		{name: "new, at an offset", at: 3, group: -1, want: "3 3"},
		{name: "the group has only begun", at: 3, group: 3, want: "3 3"},
		{name: "counted", stored: [2]*position.Position{counting, made}, group: 4, want: "7 4"},
		{name: "stopped between two fences", stored: [2]*position.Position{nil, made}, group: -1, want: "4 4"},
		{name: "stopped there, refusing", stored: [2]*position.Position{nil, made}, group: -1, refuse: true, want: "4 4"},
		{name: "a shard was lost", stored: [2]*position.Position{nil, counting}, group: 7, want: "0 7"},
		{name: "a shard was lost, refusing", stored: [2]*position.Position{nil, counting}, group: 7, refuse: true, err: errStoreLost},
		{name: "all was lost", at: 2, group: 7, want: "2 2"},
		{name: "all was lost, refusing", group: 7, refuse: true, err: errStoreLost},
		{name: "a fence alone is gone", stored: [2]*position.Position{nil, counting}, begun: true, group: 7, err: errFenceGone},
		{name: "another log", at: 10, group: -1, err: errShortLog},
	} {
		t.Run(x.name, func(t *testing.T) {
			store := windowstore.NewMem(2)
			s := sharing(t, fetchtest.Clicks(9), func(o *Options) {
				o.Store, o.RefuseLost, o.Shards = store, x.refuse, make([]chan shard.Message, 2)
			})
			l := shard.NewAssignment("events", 0, 0, 2)
			l.Begin, l.GroupAt = x.at, x.group
			p := s.New(l)
			p.log.open(0)
			for i, m := range x.stored {
				var err error
				if m != nil {
					err = store.Put(t.Context(), i, store.Keys().AppendFenceKey(nil, i, "events", 0), m.AppendFence(nil, 1))
				}
				if x.begun {
					err = errors.Join(err, store.Put(t.Context(), i, p.origin.begunKey(i), []byte{1}))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			fences, err := p.origin.find(t.Context())
			if !errors.Is(err, x.err) || (err == nil) != (x.err == nil) {
				t.Fatalf("error %v, want %v", err, x.err)
			}
			if want := strings.Contains(x.name, "lost") || strings.Contains(x.name, "gone"); p.origin.lossLogged != want {
				t.Errorf("said to be lost: %v", p.origin.lossLogged)
			}
			if err == nil && offsets(t, fences) != x.want {
				t.Errorf("fences at %s, want %s", offsets(t, fences), x.want)
			}
		})
	}
}

// offsets are those of fences.
func offsets(t *testing.T, fences [][]byte) string {
	t.Helper()
	var list []string
	for _, b := range fences {
		m, err := position.ParseFence(b)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, strconv.FormatInt(m.Offset, 10))
	}
	return strings.Join(list, " ")
}
