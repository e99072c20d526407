package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// begins are the offsets at which the group began to count, for the partitions where that is not
// the start. They are chosen once, for all partitions that there are then, before anything is
// counted. A group with such a list has begun, whatever is known of a partition.
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

// origin is what settles where a group begins to count.
type origin struct {
	settings settings.Settings
	source   fetch.Source
	offsets  groupOffsets
	topics   partitionList
	ids      topicIDs
	group    string
	start    partition.Start // of a new group
	log      *slog.Logger
}

// determine finds where counting began. It is as the store says; as the group's offsets say,
// where the store has lost it; or, for a new group, as its start wants it. From then on both have
// it, before anything is counted.
func (o *origin) determine(ctx context.Context) (begins, error) {
	group, err := o.offsets.committed(ctx, o.topics)
	if err != nil {
		return nil, explain.Kafka(err)
	}
	store, key := o.settings.Store, o.settings.Key(windowstore.SettingBegins)
	fences, err := store.Load(ctx, 0, append(position.AppendFenceKeys(nil, store.Keys(), 0, o.topics), key), nil)
	if err != nil {
		return nil, explain.Store(err)
	}
	stored := fences[len(o.topics)]
	began := anyCounted(group, fences[:len(o.topics)])
	if stored == nil {
		chosen, err := o.choose(ctx, group, began)
		if err != nil {
			return nil, err
		}
		if stored, err = store.PutAbsent(ctx, 0, key, chosen.encode()); err != nil {
			return nil, explain.Store(err)
		}
	}
	settled, err := decodeBegins(stored)
	if err != nil {
		return nil, &finalError{err}
	}
	if err := o.annotate(ctx, settled, group, began); err != nil {
		return nil, err
	}
	return settled, o.checkUnchanged(ctx, stored)
}

// anyCounted reports whether the group has begun to count: it committed an offset, or the store has a place, in whatever partition.
func anyCounted(group []groupOffset, fences [][]byte) bool {
	for i := range group {
		if group[i].offset >= 0 || fences[i] != nil {
			return true
		}
	}
	return false
}

// checkUnchanged checks that what was noted with the group is what the store says by now. If the store
// lost its own meanwhile, another process may have chosen again.
func (o *origin) checkUnchanged(ctx context.Context, stored []byte) error {
	now, err := o.settings.Store.PutAbsent(ctx, 0, o.settings.Key(windowstore.SettingBegins), stored)
	if err == nil && !bytes.Equal(now, stored) {
		err = errors.New("where counting begins was chosen anew meanwhile")
	}
	return err
}

// choose finds where counting began or, for a new group, is to begin.
func (o *origin) choose(ctx context.Context, group []groupOffset, began bool) (begins, error) {
	b := begins{}
	if began {
		return o.noted(group), nil
	}
	if o.start == (partition.Start{}) {
		return b, nil
	}
	ms, timed := o.start.Ms(time.Now())
	for _, t := range o.topics {
		_, at, err := o.source.Offsets(ctx, t.Topic, t.Partition)
		if err == nil && timed {
			at, err = o.source.OffsetAt(ctx, t.Topic, t.Partition, ms)
		}
		if err != nil {
			return nil, explain.Kafka(err)
		}
		if at > 0 {
			b[t] = at
		}
	}
	o.log.Info("new group: counting begins within the log", "offsets", b.names())
	return b, nil
}

// noted is where counting began by the group's offsets. Versions before this one did not note it, and tools that
// set offsets erase it: then nobody knows.
func (o *origin) noted(group []groupOffset) begins {
	b, unknown := begins{}, 0
	for _, g := range group {
		switch begin, ok := parseNote(g.metadata, o.ids[g.Topic]); {
		case ok && begin > 0:
			b[g.TopicPartition] = begin
		case !ok && g.offset >= 0:
			unknown++
		}
	}
	if unknown > 0 && o.start != (partition.Start{}) {
		o.log.Warn("where counting began is not noted with the group's offsets: if Redis loses what was counted, it is counted from the log's start",
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

// annotate notes where counting began with the group's offsets, where that is not noted yet and not
// the start. A new group that begins elsewhere notes the start too: it was the end of an empty
// topic, and would be chosen again once Redis has lost it. While the group has members nobody else
// may note it. That does not matter where these have begun to count, since they note it themselves.
func (o *origin) annotate(ctx context.Context, settled begins, group []groupOffset, began bool) error {
	var missing []groupOffset
	for _, g := range group {
		begin := settled[g.TopicPartition]
		implied := begin == 0 && (began || o.start == (partition.Start{}))
		if noted, ok := parseNote(g.metadata, o.ids[g.Topic]); implied || ok && noted == begin {
			continue
		}
		g.offset, g.metadata = max(g.offset, begin), note(begin, o.ids[g.Topic])
		missing = append(missing, g)
	}
	if len(missing) == 0 {
		return nil
	}
	err := o.offsets.commit(ctx, nobody, missing)
	switch {
	case notEmpty(err) && began:
		return nil
	case notEmpty(err):
		return fmt.Errorf("group %s has members, so that where counting begins cannot be noted with its offsets: if they are not this service's, use another kafka.group: %w", o.group, err)
	case err != nil:
		return explain.Kafka(err)
	}
	return nil
}
