package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is what Verify needs to know.
type Options struct {
	// Source has the log of the topics Events.
	Source  fetch.Source
	Events  []string
	Program *engine.Program
	Intake  engine.IntakeOptions
	Store   windowstore.Store // only read
	// Shards is how many shards the store has; 0: as the store says.
	Shards int
	// Secret is the key of the fingerprints; nil: the one in the store.
	Secret *engine.Secret
	// From is where the log is read from, by its Kafka timestamps; zero: its start.
	From time.Time
	// Progress is called now and then with how many offsets were read, and of how many.
	Progress func(done, all int64)
	// Found is called with each difference.
	Found func(Difference)
	Log   *slog.Logger
}

// Result is what Verify did.
type Result struct {
	Records     int64 // read from the log
	Subjects    int   // compared, all or in part
	Counters    int   // compared, all or in part
	Levels      int   // compared
	Differences int
	// Open counts what could not be compared, by the reason.
	Open [NumReasons]int
	// Shortened: ids were forgotten early because dedupe.max_ids was reached, so that the service
	// may have judged repeats otherwise.
	Shortened bool
	// OtherRules: the service counted last by other packs than those of the program.
	OtherRules bool
}

// Nothing reports whether there was something to compare, and none of it could be.
func (v *Result) Nothing() bool { return v.Subjects > 0 && v.Counters+v.Levels+v.Differences == 0 }

// Run reads the log again, counts it in memory, and compares every counter
// and level with what is stored. The service may be running: each shard is compared
// at the places up to which its fences say that it has counted.
func Run(ctx context.Context, o Options) (Result, error) {
	v := &verification{Options: &o}
	v.Retrier = metrics.NewRetrier(metrics.New(prometheus.NewRegistry(), o.Program), o.Log)
	v.clears = engine.Applier{Program: o.Program, Emit: emitNothing}
	secret, err := v.settings(ctx)
	if err != nil {
		return v.Result, err
	}
	from, out, err := v.places(ctx)
	if err != nil {
		return v.Result, err
	}
	v.recount = newRecount(&o, secret, v.topics, from, out, v.Retrier)
	defer v.recount.close()
	err = v.run(ctx)
	v.Records = v.recount.taken
	for _, p := range v.recount.partitions {
		v.Shortened = v.Shortened || p.Shortened()
	}
	return v.Result, err
}

// verification is a verify under way.
type verification struct {
	*Options
	Result
	metrics.Retrier
	topics    []position.TopicPartition
	began     map[uint64]int64 // since when each counter is kept, as coverage has it
	recount   *recount
	limits    [][]position.Position // by shard and partition: the fences last read
	fenceSeen bool                  // a fence was there when they were read
	// extra are the keys, by shard, of records that the store had and the log had not.
	extra  [][][]byte
	clears engine.Applier
}

// ErrNothingCounted is a store in which no service has counted.
var ErrNothingCounted = errors.New("the store holds nothing of a service: is it the right one, with the right redis.prefix?")

// ErrOtherTopics is a store whose service reads other topics, or has not read these.
var ErrOtherTopics = errors.New("the store holds no place in any of the topics: is kafka.events that of the service?")

// settings reads what the store was made with, and writes nothing.
func (v *verification) settings(ctx context.Context) (engine.Secret, error) {
	keys := v.Store.Keys()
	var values [][]byte
	err := v.Retry(ctx, "load", 0, func() (err error) {
		values, err = v.Store.Load(ctx, 0, [][]byte{
			keys.AppendMetaKey(nil, 0, windowstore.SettingShards), keys.AppendMetaKey(nil, 0, windowstore.SettingFingerprint), keys.AppendMetaKey(nil, 0, windowstore.SettingCounters),
		}, nil)
		return err
	})
	if err != nil {
		return engine.Secret{}, err
	}
	if values[0] == nil || values[1] == nil {
		return engine.Secret{}, ErrNothingCounted
	}
	if v.Shards, err = strconv.Atoi(string(values[0])); err != nil || v.Shards < 1 {
		return engine.Secret{}, fmt.Errorf("setting %s in the store is %q, not a number", windowstore.SettingShards, values[0])
	}
	if values[2] != nil {
		if v.began, err = shard.DecodeStarts(values[2]); err != nil {
			return engine.Secret{}, err
		}
	}
	secret, err := engine.NewSecret(values[1])
	if err == nil && v.Secret != nil && secret != *v.Secret {
		err = errors.New("the store was filled with another fingerprint key than that of privacy.key_file")
	}
	return secret, err
}

// places finds all partitions, where each is read from, and what of it was passed over.
func (v *verification) places(ctx context.Context) (from []int64, out []partition.Stretches, err error) {
	for _, topic := range v.Events {
		n, err := v.Source.Partitions(ctx, topic)
		if err != nil {
			return nil, nil, err
		}
		for p := range n {
			start, _, err := v.Source.Offsets(ctx, topic, p)
			if err == nil && !v.From.IsZero() {
				start, err = v.Source.OffsetAt(ctx, topic, p, v.From.UnixMilli())
			}
			if err != nil {
				return nil, nil, err
			}
			v.topics, from = append(v.topics, position.TopicPartition{Topic: topic, Partition: p}), append(from, start)
		}
	}
	out, err = v.passedOver(ctx)
	return from, out, err
}

// passedOver is what of each partition was passed over: what any shard says.
func (v *verification) passedOver(ctx context.Context) ([]partition.Stretches, error) {
	out := make([]partition.Stretches, len(v.topics))
	for n := range v.Shards {
		var keys [][]byte
		for _, t := range v.topics {
			keys = append(keys, v.Store.Keys().AppendSkippedKey(nil, n, t.Topic, t.Partition))
		}
		values, err := v.load(ctx, n, keys)
		if err != nil {
			return nil, err
		}
		for i, b := range values[len(v.topics):] {
			if out[i], err = out[i].With(b); err != nil {
				return nil, fmt.Errorf("shard %d: %w", n, err)
			}
		}
	}
	return out, nil
}

// run reads the log up to the fences, and then takes one shard after the other.
func (v *verification) run(ctx context.Context) error {
	v.limits = make([][]position.Position, v.Shards)
	if err := v.refresh(ctx, 0); err != nil {
		return err
	}
	if !v.fenceSeen {
		return fmt.Errorf("%w (%s)", ErrOtherTopics, strings.Join(v.Events, ", "))
	}
	if err := v.findExtraRecords(ctx); err != nil {
		return err
	}
	for n := range v.Shards {
		if err := v.refresh(ctx, n); err != nil {
			return err
		}
		if err := v.compareShard(ctx, n); err != nil {
			return fmt.Errorf("shard %d: %w", n, err)
		}
		v.recount.forget(n)
	}
	return v.grown(ctx)
}

// grown refuses what was found while a topic got new partitions: they were not read.
func (v *verification) grown(ctx context.Context) error {
	all := 0
	for _, topic := range v.Events {
		n, err := v.Source.Partitions(ctx, topic)
		if err != nil {
			return err
		}
		all += n
	}
	if all > len(v.topics) {
		return errors.New("a topic got new partitions while it was verified: verify again")
	}
	return nil
}

// refresh reads the fences of the shards from the n-th on, and reads the log up to them. So little
// of the log waits in memory for a shard.
func (v *verification) refresh(ctx context.Context, n int) error {
	for i := n; i < v.Shards; i++ {
		values, err := v.load(ctx, i, nil)
		if err != nil {
			return err
		}
		if err := v.limit(i, values); err != nil {
			return err
		}
	}
	return v.readOn(ctx, n)
}

// load reads the fences of a shard, followed by other keys, at one moment.
func (v *verification) load(ctx context.Context, number int, others [][]byte) (values [][]byte, err error) {
	keys := append(shard.AppendFenceKeys(nil, v.Store.Keys(), number, v.topics), others...)
	err = v.Retry(ctx, "load", number, func() (err error) {
		values, err = v.Store.Load(ctx, number, keys, nil)
		return err
	})
	return values, err
}

// errWentBack ends a verification of a store that lost something meanwhile.
var errWentBack = errors.New("its fences went back while it was verified: the store lost what was counted; verify again when the service has recounted")

// limit takes the fences of a shard, as stored.
func (v *verification) limit(shard int, fences [][]byte) error {
	limits := make([]position.Position, len(v.topics))
	for i, t := range v.topics {
		m := position.Position{Offset: v.recount.partitions[i].From(), Clock: engine.NoTime, Newest: engine.NoTime}
		if fences[i] != nil {
			var err error
			if m, err = position.ParseFence(fences[i]); err != nil {
				return fmt.Errorf("read fence of shard %d, %s/%d: %w", shard, t.Topic, t.Partition, err)
			}
			v.fenceSeen = true
			v.OtherRules = v.OtherRules || m.Pack != v.Program.Hash
		}
		limits[i] = m
		if old := v.limits[shard]; old != nil && m.Offset < old[i].Offset {
			return fmt.Errorf("%s/%d: %w", t.Topic, t.Partition, errWentBack)
		}
	}
	v.limits[shard] = limits
	return nil
}

// readOn reads the log up to the limits of the shards from the n-th on, and
// takes those shards there.
func (v *verification) readOn(ctx context.Context, n int) error {
	to := make([]int64, len(v.topics))
	for _, limits := range v.limits[n:] {
		for i := range limits {
			to[i] = max(to[i], limits[i].Offset)
		}
	}
	apply := func() error {
		for i := n; i < v.Shards; i++ {
			if err := v.recount.apply(ctx, i, v.limits[i]); err != nil {
				return err
			}
		}
		if v.Progress != nil {
			v.Progress(v.recount.progress(to))
		}
		return ctx.Err()
	}
	if err := v.recount.read(ctx, to, apply); err != nil {
		return err
	}
	return apply()
}

// horizon is the time from which on both the log as it was read and the store's shard are complete,
// ns. NoTime: they are from the start.
func (v *verification) horizon(shard int) int64 {
	h := int64(engine.NoTime)
	for i, p := range v.recount.partitions {
		m := &v.limits[shard][i]
		if h = max(h, p.CompleteFrom(m.Clock)); m.Since != 0 {
			h = max(h, m.Since)
		}
	}
	return h
}
