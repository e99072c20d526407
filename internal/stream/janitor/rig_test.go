package janitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard/shardtest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// errCut is the end of a connection.
var errCut = errors.New("connection cut by the test")

// rig is a shard that counts, with a janitor that owns it, and looks at one record at a time.
type rig struct {
	*shardtest.Rig
	t       *testing.T
	options *Options // of the janitor
	janitor *Janitor
}

// newClicksRig is a rig of shardtest.ClicksPack.
func newClicksRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, shardtest.ClicksPack)
}

func newRig(t *testing.T, pack string) *rig {
	t.Helper()
	return rigOf(t, enginetest.Compile(t, pack))
}

func rigOf(t *testing.T, p *engine.Program) *rig {
	t.Helper()
	r := &rig{Rig: shardtest.NewRig(t, p), t: t}
	r.Shard.StreamTimeShared.Store(0) // it is known
	r.hire(Options{
		Options: r.Shard.Options, Shards: []*shard.Shard{r.Shard}, In: []chan shard.Message{make(chan shard.Message, 1)},
		Owned: func(int) bool { return true }, Step: 1, Recompute: 1 << 30, Rest: func(context.Context, time.Duration) {},
	})
	return r
}

// newClearsRig is a rig of two rules: views of an incident clear within the hour, clicks not for long.
func newClearsRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, `
pack: p
measures: {clicks: {sum: count, types: [click]}, views: {sum: count, types: [view]}}
rules:
  - {id: long, by: incident, window: 730d, step: 1d, limits: {clicks: 10}, clear: 0.4}
  - {id: short, by: incident, window: 1h, step: 1m, limits: {views: 10}, clear: 0.4}
`)
}

// hire gives the rig another janitor.
func (r *rig) hire(o Options) {
	r.janitor = New(o)
	r.options = r.janitor.scan.Options
}

// over gives the rig a janitor over another store.
func (r *rig) over(store windowstore.Store) {
	o, shards := *r.options, *r.options.Options
	shards.Store = store
	o.Options = &shards
	r.hire(o)
}

func (r *rig) scan() {
	r.t.Helper()
	if err := r.janitor.scan.scan(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// record is the record of an incident; nil: there is none.
func (r *rig) record(id string) []byte {
	r.t.Helper()
	values, err := r.Store.Load(r.t.Context(), 0, [][]byte{r.Store.Keys().AppendRecordKey(nil, 0, "incident", []byte(id))}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return values[0]
}

// subject is an incident as stored.
func (r *rig) subject(id string) *windows.Subject {
	r.t.Helper()
	s, err := windows.DecodeSubject(&r.Shard.Program.Kinds[thresholds.Incident].Layout, r.record(id))
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// count counts so many events of a type of an incident, at an hour of 2 January.
func (r *rig) count(kind, incident string, hour, n int) {
	r.t.Helper()
	r.Count(fmt.Sprintf(`{"id":"%s%d","time":"2026-01-02T%02d:00:00Z","type":%q,"incident":%q,"count":%d}`, incident, hour, hour, kind, incident, n))
	r.Shard.Publish()
}

// sweep has the shard sweep what the janitor names.
func (r *rig) sweep() {
	if r.janitor.Clears(r.t.Context()); len(r.options.In[0]) == 0 {
		return
	}
	if err := r.Shard.Handle(r.t.Context(), <-r.options.In[0]); err != nil {
		r.t.Fatal(err)
	}
	r.Shard.Publish()
}

// due is how many subjects a sweep would look at, were there no bound.
func (r *rig) due() int {
	all, err := r.Store.Armed(r.t.Context(), 0, engine.Seconds(r.Shard.StreamTime()), 1e6)
	if err != nil {
		r.t.Fatal(err)
	}
	return len(all)
}

// twoShards puts what the rig's shard has of incident A, and its fence, into a second one too, both under these ids.
func (r *rig) twoShards(ids ...string) {
	r.t.Helper()
	k, p := r.Shard.Keys, r.Shard.Partitions[0]
	fence := func(shard int) []byte { return k.AppendFenceKey(nil, shard, p.Topic, p.Partition) }
	record := func(shard int, id string) []byte { return k.AppendRecordKey(nil, shard, "incident", []byte(id)) }
	values, err := r.Store.Load(r.t.Context(), 0, [][]byte{record(0, "A"), fence(0)}, nil)
	if err == nil {
		err = r.Store.Put(r.t.Context(), 1, fence(1), values[1])
	}
	for shard := range 2 {
		for _, id := range ids {
			err = errors.Join(err, r.Store.Put(r.t.Context(), shard, record(shard, id), values[0]))
		}
	}
	if err != nil {
		r.t.Fatal(err)
	}
	o := *r.options
	o.Shards = []*shard.Shard{shard.New(0, r.Shard.Options), shard.New(1, r.Shard.Options)}
	o.In = append(o.In, make(chan shard.Message, 1))
	for _, s := range o.Shards {
		s.StreamTimeShared.Store(0)
	}
	r.hire(o)
}

// records are the ids of the incidents stored in a shard, in order.
func (r *rig) records(shard int) string {
	var ids []string
	err := r.Store.ScanRecords(r.t.Context(), func(n int, key []byte) bool {
		if _, _, id, _ := r.Store.Keys().ParseRecordKey(key); n == shard {
			ids = append(ids, string(id))
		}
		return true
	}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// keysLeft is how many keys of shard 0 begin so.
func (r *rig) keysLeft(prefix string) (n int) {
	_ = r.Store.Scan(r.t.Context(), 0, []byte(prefix), func([]byte) bool { n++; return true })
	return n
}
