package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// begins are the offsets at which the group began to count, of the partitions where that is not the start. They are chosen once,
// for all partitions that there are then, before anything is counted: that there is such a list tells a group
// that has begun, whatever is known of a partition.
type begins map[position.TopicPartition]int64

func (b begins) encode() []byte {
	text, err := json.Marshal(b.names())
	if err != nil {
		panic("BUG: numbers that are no JSON: " + err.Error())
	}
	return text
}

func decodeBegins(text []byte) (begins, error) {
	in := map[string]int64{}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("read setting %s of the store: %w", windowstore.SettingBegins, err)
	}
	b := begins{}
	for name, offset := range in {
		topic, number, _ := strings.Cut(name, "/") // no topic's name holds one
		partition, err := strconv.Atoi(number)
		if err != nil || offset < 0 {
			return nil, fmt.Errorf("read setting %s of the store: %q: %d", windowstore.SettingBegins, name, offset)
		}
		b[position.TopicPartition{Topic: topic, Partition: partition}] = offset
	}
	return b, nil
}

func beginsKey(store windowstore.Store) []byte {
	return store.Keys().AppendMetaKey(nil, 0, windowstore.SettingBegins)
}

// settleBegins settles where counting began: as the store says, or the group's offsets, where the store has lost it; or, of
// a new group, as its start wants it. From then on both have it, before anything is counted.
func (s *Service) settleBegins(ctx context.Context) error {
	group, err := s.offsets.committed(ctx, s.topics)
	if err != nil {
		return explain.Kafka(err)
	}
	fences, err := s.Store.Load(ctx, 0, append(position.AppendFenceKeys(nil, s.Store.Keys(), 0, s.topics), beginsKey(s.Store)), nil)
	if err != nil {
		return explain.Store(err)
	}
	stored := fences[len(s.topics)]
	began := anyCounted(group, fences[:len(s.topics)])
	if stored == nil {
		chosen, err := s.chooseBegins(ctx, group, began)
		if err != nil {
			return err
		}
		if stored, err = s.Store.PutAbsent(ctx, 0, beginsKey(s.Store), chosen.encode()); err != nil {
			return explain.Store(err)
		}
	}
	if s.begins, err = decodeBegins(stored); err != nil {
		return &finalError{err}
	}
	if err := s.noteBegins(ctx, group, began); err != nil {
		return err
	}
	return s.stillBegins(ctx, stored)
}

// anyCounted says whether the group has begun to count: it committed an offset, or the store has a place, in whatever partition.
func anyCounted(group []groupOffset, fences [][]byte) bool {
	for i := range group {
		if group[i].offset >= 0 || fences[i] != nil {
			return true
		}
	}
	return false
}

// stillBegins looks whether what was noted with the group is what the store says by now: if it lost its own meanwhile, another
// process may have chosen anew.
func (s *Service) stillBegins(ctx context.Context, stored []byte) error {
	now, err := s.Store.PutAbsent(ctx, 0, beginsKey(s.Store), stored)
	if err == nil && !bytes.Equal(now, stored) {
		err = errors.New("where counting begins was chosen anew meanwhile")
	}
	return err
}

// chooseBegins finds where counting began or, of a new group, is to begin.
func (s *Service) chooseBegins(ctx context.Context, group []groupOffset, began bool) (begins, error) {
	b := begins{}
	if began {
		return s.notedBegins(group), nil
	}
	if s.Start == (partition.Start{}) {
		return b, nil
	}
	ms, timed := s.Start.Ms(time.Now())
	for _, t := range s.topics {
		_, at, err := s.source.Offsets(ctx, t.Topic, t.Partition)
		if err == nil && timed {
			at, err = s.source.OffsetAt(ctx, t.Topic, t.Partition, ms)
		}
		if err != nil {
			return nil, explain.Kafka(err)
		}
		if at > 0 {
			b[t] = at
		}
	}
	s.log.Info("new group: counting begins within the log", "offsets", b.names())
	return b, nil
}

// notedBegins is where counting began by the group's offsets. Versions before this one did not note it, and tools that
// set offsets erase it: then nobody knows.
func (s *Service) notedBegins(group []groupOffset) begins {
	b, unknown := begins{}, 0
	for _, g := range group {
		switch begin, ok := parseNote(g.metadata, s.topicIDs[g.Topic]); {
		case ok && begin > 0:
			b[g.TopicPartition] = begin
		case !ok && g.offset >= 0:
			unknown++
		}
	}
	if unknown > 0 && s.Start != (partition.Start{}) {
		s.log.Warn("where counting began is not noted with the group's offsets: if Redis loses what was counted, it is counted from the log's start",
			"partitions", unknown)
	}
	return b
}

// names are the offsets by topic and partition, as texts.
func (b begins) names() map[string]int64 {
	out := map[string]int64{}
	for t, offset := range b {
		out[t.Topic+"/"+strconv.Itoa(t.Partition)] = offset
	}
	return out
}

// noteBegins notes where counting began with the group's offsets, where that is not noted yet and not the start. A new group that begins
// elsewhere notes the start too: it was the end of a topic in which nothing was, and would be chosen anew once Redis has lost it. With
// members in the group nobody else may; that is no matter where these have begun to count, since they note it themselves.
func (s *Service) noteBegins(ctx context.Context, group []groupOffset, began bool) error {
	var missing []groupOffset
	for _, g := range group {
		begin := s.begins[g.TopicPartition]
		implied := begin == 0 && (began || s.Start == (partition.Start{}))
		if noted, ok := parseNote(g.metadata, s.topicIDs[g.Topic]); implied || ok && noted == begin {
			continue
		}
		g.offset, g.metadata = max(g.offset, begin), note(begin, s.topicIDs[g.Topic])
		missing = append(missing, g)
	}
	if len(missing) == 0 {
		return nil
	}
	err := s.offsets.commit(ctx, nobody, missing)
	switch {
	case notEmpty(err) && began:
		return nil
	case notEmpty(err):
		return fmt.Errorf("group %s has members, so that where counting begins cannot be noted with its offsets: if they are not this service's, use another kafka.group: %w", s.Group, err)
	case err != nil:
		return explain.Kafka(err)
	}
	return nil
}
