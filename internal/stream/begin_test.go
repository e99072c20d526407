package stream

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// fakeOffsets are a group's offsets in memory.
type fakeOffsets struct {
	of      map[position.TopicPartition]groupOffset
	members bool // the group has some: it takes nothing in nobody's name
}

func (f *fakeOffsets) committed(_ context.Context, of []position.TopicPartition) ([]groupOffset, error) {
	list := make([]groupOffset, len(of))
	for i, t := range of {
		var there bool
		if list[i], there = f.of[t]; !there {
			list[i] = groupOffset{t, -1, ""}
		}
	}
	return list, nil
}

func (f *fakeOffsets) commit(_ context.Context, as groupMember, offsets []groupOffset) error {
	if as == nobody && f.members {
		return kafka.UnknownMemberId
	}
	for _, o := range offsets {
		f.of[o.TopicPartition] = o
	}
	return nil
}

// beginner is a process of a group that is about to settle where counting begins, over two partitions of 7 and 9 records.
func beginner(store windowstore.Store, group groupOffsets, start partition.Start) *origin {
	log := &simLog{world: &simWorld{calm: true}, there: []int{7, 9}, shown: 2}
	for p, n := range log.there {
		log.events = append(log.events, nil)
		for i := range n {
			log.events[p] = append(log.events[p], sentEvent{millis: int64(1000 * (i + 1))})
		}
	}
	return &origin{
		settings: settings.Settings{Store: store}, start: start, log: discard, source: log, offsets: group,
		topics: partitionList{{Topic: "events", Partition: 0}, {Topic: "events", Partition: 1}}, ids: topicIDs{"events": {1}},
	}
}

// TestBegins: where counting begins, by what is known of the group.
func TestBegins(t *testing.T) {
	type at = map[int]int64
	noted := func(partition int, offset, begin int64) groupOffset {
		return groupOffset{position.TopicPartition{Topic: "events", Partition: partition}, offset, note(begin, fetch.TopicID{1})}
	}
	bare := func(partition int, offset int64) groupOffset {
		return groupOffset{position.TopicPartition{Topic: "events", Partition: partition}, offset, ""}
	}
	latest := partition.Start{Latest: true}
	f := func(name string, start partition.Start, group []groupOffset, stored begins, fence bool, want at) {
		t.Helper()
		offsets, store := &fakeOffsets{of: map[position.TopicPartition]groupOffset{}}, windowstore.NewMem(1)
		for _, g := range group {
			offsets.of[g.TopicPartition] = g
		}
		if stored != nil {
			_ = store.Put(t.Context(), 0, settings.Settings{Store: store}.Key(windowstore.SettingBegins), stored.encode())
		}
		if fence {
			_ = store.Put(t.Context(), 0, store.Keys().AppendFenceKey(nil, 0, "events", 1), []byte{1})
		}
		s := beginner(store, offsets, start)
		settled, err := s.determine(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := at{}
		for p, offset := range settled {
			got[p.Partition] = offset
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: begins at %v, want %v", name, got, want)
		}
		for p, offset := range settled { // the group knows them as well
			if g := offsets.of[p]; g.metadata != note(offset, fetch.TopicID{1}) || g.offset < offset {
				t.Errorf("%s: the group has %+v, want a note of %d", name, g, offset)
			}
		}
	}
	f("new, earliest", partition.Start{}, nil, nil, false, at{})
	f("new, latest", latest, nil, nil, false, at{0: 7, 1: 9})
	f("new, at a time", partition.Start{Time: time.UnixMilli(2001)}, nil, nil, false, at{0: 2, 1: 2})
	f("new, at a time before all", partition.Start{Time: time.UnixMilli(5)}, nil, nil, false, at{})
	f("new, at a time behind partition 0", partition.Start{Time: time.UnixMilli(8000)}, nil, nil, false, at{0: 7, 1: 7})
	f("new, of so long ago", partition.Start{Back: time.Since(time.UnixMilli(3000))}, nil, nil, false, at{0: 2, 1: 2})
	f("begun, and a partition more", latest, []groupOffset{noted(0, 7, 5)}, begins{{Topic: "events", Partition: 0}: 5}, true, at{0: 5})
	f("begun, and lost by Redis", latest, []groupOffset{noted(0, 7, 5), noted(1, 8, 0)}, nil, false, at{0: 5})
	f("begun, lost by Redis, and a partition more", latest, []groupOffset{noted(0, 7, 5)}, nil, false, at{0: 5})
	f("begun, and lost by Kafka", latest, nil, begins{{Topic: "events", Partition: 1}: 4}, true, at{1: 4})
	f("begun, and offsets set by another tool", latest, []groupOffset{bare(0, 1), bare(1, 1)}, begins{{Topic: "events", Partition: 1}: 4}, true, at{1: 4})
	f("settled, and nothing counted", latest, nil, begins{{Topic: "events", Partition: 1}: 4}, false, at{1: 4})
	f("settled before Redis lost it", latest, []groupOffset{noted(0, 3, 3), noted(1, 4, 4)}, nil, false, at{0: 3, 1: 4})
	f("of a version that noted nothing", latest, []groupOffset{bare(0, 5)}, nil, true, at{})
	f("of such a version, without offsets", latest, nil, nil, true, at{})
	f("notes of another topic", latest, []groupOffset{{position.TopicPartition{Topic: "events", Partition: 0}, 5, note(5, fetch.TopicID{2})}}, nil, false, at{})
}

// TestBeginsMeet: two processes that settle at the same moment, and find other ends, begin at the same places.
func TestBeginsMeet(t *testing.T) {
	group := &fakeOffsets{of: map[position.TopicPartition]groupOffset{}}
	store := &meetingStore{Store: windowstore.NewMem(1)}
	early, late := beginner(store, group, partition.Start{Latest: true}), beginner(store, group, partition.Start{Latest: true})
	late.source.(*simLog).there[0] = 4
	var first begins
	store.meet = func() (err error) { first, err = early.determine(t.Context()); return err }
	second, err := late.determine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := begins{{Topic: "events", Partition: 0}: 7, {Topic: "events", Partition: 1}: 9}
	if !maps.Equal(first, want) || !maps.Equal(second, want) {
		t.Errorf("one begins at %v, the other at %v, want %v", first, second, want)
	}
}

// meetingStore lets another one in before a setting is made.
type meetingStore struct {
	windowstore.Store
	meet func() error
}

func (s *meetingStore) PutAbsent(ctx context.Context, shard int, key, value []byte) ([]byte, error) {
	if meet := s.meet; meet != nil {
		s.meet = nil
		if err := meet(); err != nil {
			return nil, err
		}
	}
	return s.Store.PutAbsent(ctx, shard, key, value)
}

// TestBeginsOfEmptyTopic: a group that begins at the ends of an empty topic begins there, also if Redis loses it when there is more,
// and before anything else was committed to Kafka.
func TestBeginsOfEmptyTopic(t *testing.T) {
	group := &fakeOffsets{of: map[position.TopicPartition]groupOffset{}}
	s := beginner(windowstore.NewMem(1), group, partition.Start{Latest: true})
	log := s.source.(*simLog)
	log.there = []int{0, 0}
	if got, err := s.determine(t.Context()); err != nil || len(got) != 0 {
		t.Fatalf("begins at %v, %v", got, err)
	}
	log.there, group.members = []int{7, 9}, true
	s.settings.Store = windowstore.NewMem(1)
	if got, err := s.determine(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("after a loss it begins at %v, %v", got, err)
	}
}

// TestBeginsLostMeanwhile: what Redis loses while it is settled is not settled.
func TestBeginsLostMeanwhile(t *testing.T) {
	group := &fakeOffsets{of: map[position.TopicPartition]groupOffset{}}
	store := windowstore.NewMem(1)
	s := beginner(&losing{Store: store, after: 1}, group, partition.Start{Latest: true})
	if _, err := s.determine(t.Context()); err == nil {
		t.Fatal("it settled what others have chosen otherwise")
	}
	if got, err := s.determine(t.Context()); err != nil || got[position.TopicPartition{Topic: "events", Partition: 0}] != 3 {
		t.Errorf("begins at %v, %v", got, err)
	}
}

// losing is a store that another process begins again in after so many settings were made.
type losing struct {
	windowstore.Store
	after int
}

func (s *losing) PutAbsent(ctx context.Context, shard int, key, value []byte) ([]byte, error) {
	if s.after--; s.after == -1 {
		if err := s.Put(ctx, shard, key, begins{{Topic: "events", Partition: 0}: 3}.encode()); err != nil {
			return nil, err
		}
	}
	return s.Store.PutAbsent(ctx, shard, key, value)
}

// TestBeginsWait: nothing is counted of a new group while where it begins cannot be noted with its offsets; one that has begun goes on.
func TestBeginsWait(t *testing.T) {
	group := &fakeOffsets{of: map[position.TopicPartition]groupOffset{}, members: true}
	store := windowstore.NewMem(1)
	s := beginner(store, group, partition.Start{Latest: true})
	if _, err := s.determine(t.Context()); !notEmpty(err) {
		t.Errorf("a new group with members: %v", err)
	}
	_ = store.Put(t.Context(), 0, store.Keys().AppendFenceKey(nil, 0, "events", 1), []byte{1})
	if _, err := s.determine(t.Context()); err != nil {
		t.Errorf("one that has begun: %v", err)
	}
}

// TestNotes: a note is read back, by its topic only; nothing else is one.
func TestNotes(t *testing.T) {
	id, other := fetch.TopicID{1, 2}, fetch.TopicID{3}
	for _, begin := range []int64{0, 57, 1 << 60} {
		for _, x := range []fetch.TopicID{id, {}} {
			if got, ok := parseNote(note(begin, x), id); got != begin || !ok {
				t.Errorf("%s: %d, %v", note(begin, x), got, ok)
			}
		}
	}
	for _, text := range []string{"", "57", "aggregator begin=", "aggregator begin=-1", "aggregator begin=5x", note(5, other), "AQAAAYq", "aggregator begin=5 topic="} {
		if got, ok := parseNote(text, id); ok {
			t.Errorf("%q is a note of %d", text, got)
		}
	}
}

// TestGroupOffsets: what a broker keeps of the group, with the notes.
func TestGroupOffsets(t *testing.T) {
	r := newRig(t, 3, compile(t, smallPack))
	s := r.kafka.connect(testReach(t))
	defer s.close()
	all := []position.TopicPartition{{Topic: "events", Partition: 2}, {Topic: "events", Partition: 0}, {Topic: "events", Partition: 1}}
	var err error
	if !tries(10*time.Second, func() bool {
		err = s.offsets.commit(t.Context(), nobody, []groupOffset{{all[0], 5, note(3, fetch.TopicID{})}, {all[2], 1, ""}})
		return err == nil
	}) {
		t.Fatal(err)
	}
	got, err := s.offsets.committed(t.Context(), all)
	want := []groupOffset{{all[0], 5, note(3, fetch.TopicID{})}, {all[1], -1, ""}, {all[2], 1, ""}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if err := s.offsets.commit(t.Context(), groupMember{7, "somebody"}, got[:1]); err == nil {
		t.Error("offsets are taken of somebody who is no member")
	}
}

// tries calls f until it holds, for so long at most.
func tries(limit time.Duration, f func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		if f() {
			return true
		}
	}
	return false
}
