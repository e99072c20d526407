package overview

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// broker is what Kafka says of a topic of three partitions.
type broker struct {
	ends [3]fetch.Ends
	err  error
	old  error // of timestamps
}

func (k *broker) Partitions(context.Context, string) (int, error) { return len(k.ends), k.err }

func (k *broker) Ends(_ context.Context, _ string, p int) (fetch.Ends, error) {
	return k.ends[p], k.err
}

func (k *broker) Timestamp(_ context.Context, _ string, p int, offset int64) (int64, error) {
	return int64(1000*p) + offset, k.old
}

func (k *broker) Owners(context.Context) (map[position.TopicPartition]string, error) {
	return map[position.TopicPartition]string{{Topic: "t", Partition: 1}: "me at here"}, k.err
}

func TestRead(t *testing.T) {
	const shards = 2
	store := windowstore.NewMem(shards)
	k := &broker{ends: [3]fetch.Ends{{End: 10}, {Start: 5, End: 10}, {End: 4}}}
	r := &Reader{Store: store, Shards: shards, Events: []string{"t"}, Log: k, Group: k}
	put := func(shard int, key, value []byte) {
		t.Helper()
		if err := store.Put(t.Context(), shard, key, value); err != nil {
			t.Fatal(err)
		}
	}
	fence := func(shard, partition int, p position.Position) {
		put(shard, store.Keys().AppendFenceKey(nil, shard, "t", partition), p.AppendFence(nil, 1))
	}
	want := func(want string) {
		t.Helper()
		o, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, p := range o.Partitions {
			fmt.Fprintf(&got, "%d %q %d/%d lag %d since %d; ", p.Partition, p.Owner, p.Offset, p.End, p.Lag, known(p.Oldest))
		}
		fmt.Fprintf(&got, "time %d, outbox %d since %d", known(o.StreamTime), o.Outbox.Entries, known(o.Outbox.Oldest))
		if got.String() != want {
			t.Errorf("got  %s\nwant %s", &got, want)
		}
	}
	want(`0 "" -1/10 lag -1 since -1; 1 "me at here" -1/10 lag -1 since -1; 2 "" -1/4 lag -1 since -1; time -1, outbox 0 since -1`)

	fence(0, 0, position.Position{Offset: 10, Newest: 700})
	fence(1, 0, position.Position{Offset: 8, Newest: 500}) // nothing of the last two was for this shard
	fence(0, 1, position.Position{Offset: 2, Newest: 600}) // what was before 5 is gone from the log
	fence(1, 1, position.Position{Offset: 2, Newest: 600})
	fence(0, 2, position.Position{Offset: 4, Newest: 300, Idle: true})
	put(1, store.Keys().AppendHeadKey(nil, 1), binary.BigEndian.AppendUint64([]byte("versionX"), 9))
	put(1, store.Keys().AppendPublishedKey(nil, 1), binary.BigEndian.AppendUint64(nil, 7))
	put(1, store.Keys().AppendOutboxKey(nil, 1, 7), binary.BigEndian.AppendUint64(nil, 1234))
	want(`0 "" 8/10 lag 2 since 8; 1 "me at here" 2/10 lag 5 since 1005; 2 "" -1/4 lag -1 since -1; time 600, outbox 2 since 1234`)

	fence(1, 2, position.Position{Offset: 4, Newest: 300, Idle: true})
	k.old = errors.New("its begin was deleted")
	want(`0 "" 8/10 lag 2 since -1; 1 "me at here" 2/10 lag 5 since -1; 2 "" 4/4 lag 0 since -1; time 600, outbox 2 since 1234`)
	k.err = errors.New("no broker answers")
	if _, err := r.Read(t.Context()); !errors.Is(err, k.err) {
		t.Errorf("got %v", err)
	}
}

// known is a time; -1 for none.
func known(t int64) int64 {
	if t == engine.NoTime {
		return -1
	}
	return t
}
