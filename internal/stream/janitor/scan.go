package janitor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

const (
	// scanEvery is the pause between two scans of all records. The first comes sooner, and
	// is tried again while there is nothing to be scanned.
	scanEvery = 8 * time.Minute
	scanFirst = 30 * time.Second
)

// scans scans every now and then. Ten million records take minutes, which the clears do not wait for.
func (w *Janitor) scans(ctx context.Context) {
	next := time.NewTimer(scanFirst)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			next.Reset(w.ScanTurn(ctx))
		}
	}
}

// ScanTurn scans, if there is anything to be scanned, and returns how long to rest until the next turn.
func (w *Janitor) ScanTurn(ctx context.Context) time.Duration {
	if !slices.ContainsFunc(w.Shards, w.scanned) {
		return scanFirst
	}
	if err := w.Scan(ctx); err != nil && ctx.Err() == nil {
		w.Metrics.StoreError("scan", err)
	}
	return scanEvery
}

// Rest rests three times as long as was worked. So looking takes each process a quarter of a core
// at most, and as much of Redis. A process that was stopped did not work all that time.
func Rest(ctx context.Context, worked time.Duration) { retry.Wait(ctx, min(3*worked, time.Second)) }

// shardScan is one shard's part of a scan.
type shardScan struct {
	owned bool
	keys  [][]byte // found and not looked at yet
	armed int      // may clear, of those looked at
	err   error    // the first
}

// Scan looks at every record of the owned shards. Records whose windows have been empty for long
// are forgotten; those that may clear are put into the index (see index). What cannot be looked at
// does not hold up the rest.
func (w *Janitor) Scan(ctx context.Context) error {
	shards := make([]shardScan, len(w.Shards))
	for n, s := range w.Shards {
		if shards[n].owned = w.scanned(s); !shards[n].owned {
			w.Armed[n] = 0
		}
	}
	began := time.Now()
	pause := func() {
		w.Rest(ctx, time.Since(began))
		began = time.Now()
	}
	err := w.Store.ScanRecords(ctx, func(n int, key []byte) bool {
		if n < len(shards) && shards[n].owned {
			s := &shards[n]
			if s.keys = append(s.keys, bytes.Clone(key)); len(s.keys) >= w.Step {
				w.examine(ctx, n, s)
			}
		}
		return ctx.Err() == nil
	}, pause)
	failed := err
	for n := range shards {
		s := &shards[n]
		if len(s.keys) > 0 {
			w.examine(ctx, n, s)
			pause()
		}
		if s.owned && err == nil && s.err == nil {
			w.Armed[n] = s.armed
		}
		failed = errors.Join(failed, s.err)
	}
	return failed
}

// scanned reports whether a shard is the process' to scan, and it is known how far the stream is
// there.
func (w *Janitor) scanned(s *shard.Shard) bool {
	return w.Owned(s.Number) && s.StreamTimeShared.Load() != engine.NoTime
}

// examine looks at the keys that a shard's part of a scan has.
func (w *Janitor) examine(ctx context.Context, shard int, s *shardScan) {
	armed, err := w.examineKeys(ctx, shard, s.keys)
	s.keys, s.armed, s.err = s.keys[:0], s.armed+armed, cmp.Or(s.err, err)
}

// examineKeys forgets or indexes the records under keys. How far the stream is it reads together
// with them: a store that went back may hold records to which what comes next belongs. It returns how many may clear.
func (w *Janitor) examineKeys(ctx context.Context, number int, keys [][]byte) (int, error) {
	all := shard.AppendFenceKeys(slices.Clip(keys), w.Keys, number, w.Partitions)
	values, err := w.Store.Load(ctx, number, all, nil)
	if err != nil {
		return 0, err
	}
	streamTime := position.StoredTime(values[len(keys):])
	if streamTime == engine.NoTime {
		return 0, nil
	}
	var due []windowstore.Due
	var old []emptied
	var damaged error
	for i, record := range values[:len(keys)] {
		_, name, id, _ := w.Keys.ParseRecordKey(keys[i])
		kind, ok := thresholds.ParseKind(name)
		if record == nil || !ok {
			continue
		}
		s, err := windows.DecodeSubject(&w.Program.Kinds[kind].Layout, record)
		switch {
		case err != nil:
			damaged = cmp.Or(damaged, err)
		case w.mayClear(s, kind):
			now, _ := s.Time()
			due = append(due, windowstore.Due{Member: w.Keys.AppendMember(nil, name, id), Unix: engine.Seconds(max(now, streamTime))})
		case engine.Forgettable(s, streamTime):
			old = append(old, emptied{subject: s, parts: s.Shrink(nil), key: keys[i], record: record, kind: kind, id: id})
		}
	}
	err = w.index(ctx, number, due)
	return len(due), cmp.Or(err, w.forget(ctx, number, old), damaged)
}

// index puts subjects that may clear into the index, to be looked at after those that are due by
// now. A date that is there may be too late: its process died between a commit and the noting, or
// the rules were others. So the date is computed again for a random sample of about w.Recompute
// subjects of a shard, or for all if there are fewer. Computing all of them after each scan would
// starve the sweeps of clears that are due.
func (w *Janitor) index(ctx context.Context, shard int, due []windowstore.Due) error {
	var again, absent []windowstore.Due
	for _, d := range due {
		if n := w.Armed[shard]; n == 0 || rand.IntN(n) < w.Recompute {
			again = append(again, d)
		} else {
			absent = append(absent, d)
		}
	}
	var err error
	if len(again) > 0 {
		err = w.Store.Arm(ctx, shard, again...)
	}
	if len(absent) > 0 {
		err = cmp.Or(err, w.Store.ArmAbsent(ctx, shard, absent...))
	}
	return err
}

// mayClear reports whether an episode of s has not ended though it can. Before that its counters
// are not to be forgotten, since they date the clear.
func (w *Janitor) mayClear(s *windows.Subject, kind thresholds.Kind) bool {
	for r, rule := range w.Program.Kinds[kind].Rules {
		if rule.Clear > 0 && rule.Window > 0 && s.RuleState(r).Level > 0 {
			return true
		}
	}
	return false
}

// emptied is a subject whose windows are empty.
type emptied struct {
	subject     *windows.Subject // shrunk to what is never forgotten
	parts       []windows.Part   // that it has in the store
	key, record []byte           // of the record, as read
	kind        thresholds.Kind
	id          []byte
}

// whole reports whether the record is all that is stored of the subject, and goes as a whole.
func (e *emptied) whole() bool { return len(e.parts) == 0 && !e.subject.Announced() }

// forget deletes subjects whose windows are empty. Those that are a record and no more go in one
// step, unless another process has just written one of them. If it has, they go one after the
// other, as all the others do.
func (w *Janitor) forget(ctx context.Context, shard int, list []emptied) error {
	var records []windowstore.Record
	var keys [][]byte
	for i := range list {
		if e := &list[i]; e.whole() {
			records, keys = append(records, compared(e.key, e.record)), append(keys, e.key)
		}
	}
	gone, err := w.drop(ctx, shard, records, keys)
	if err != nil {
		return err
	}
	if gone {
		w.Metrics.Forgotten(len(keys))
	}
	for i := range list {
		if e := &list[i]; !gone || !e.whole() {
			if err := w.forgetOne(ctx, shard, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetOne deletes a subject with its parts. A subject that ever had a level shrinks to its levels
// and episodes: its next crossing must not repeat an old id. The version guards each step: whoever
// writes the subject meanwhile wins.
func (w *Janitor) forgetOne(ctx context.Context, shard int, e *emptied) error {
	s, key, record := e.subject, e.key, e.record
	var gone [][]byte
	for _, p := range e.parts {
		gone = append(gone, w.Keys.AppendPartKey(nil, shard, s.PartID(nil, p), e.kind.String(), e.id))
	}
	if shrunk := bytes.Equal(s.AppendRecord(nil, [windows.VersionSize]byte(record), s.Writer()), record); shrunk && s.Announced() && len(gone) == 0 {
		return nil // nothing is left of it but that
	}
	if s.Announced() || len(gone) >= deleteMost {
		var err error // so that no record names parts some of which are gone
		if record, err = w.rewrite(ctx, shard, key, record, s); record == nil {
			return err
		}
	}
	if !s.Announced() {
		gone = append(gone, key)
	}
	if done, err := w.drop(ctx, shard, []windowstore.Record{compared(key, record)}, gone); !done {
		return err
	}
	if s.Announced() && len(gone) > 0 {
		s.Deleted(e.parts)
		if written, err := w.rewrite(ctx, shard, key, record, s); written == nil {
			return err
		}
	}
	w.Metrics.Forgotten(1)
	return nil
}

// rewrite writes s if the record is as it was read, and returns the new one; nil if it is not.
func (w *Janitor) rewrite(ctx context.Context, shard int, key, record []byte, s *windows.Subject) ([]byte, error) {
	written := s.AppendRecord(nil, w.Version(), w.Writer)
	next := compared(key, record)
	next.Value = written
	c := &windowstore.Commit{Records: []windowstore.Record{next}}
	if res, err := w.Store.Commit(ctx, shard, c); err != nil || res.Outcome != windowstore.Done {
		return nil, err
	}
	return written, nil
}

// compared is a record that must be as it was read.
func compared(key, record []byte) windowstore.Record {
	return windowstore.Record{Key: key, Version: record[:windows.VersionSize]}
}

// deleteMost is how many keys are deleted at once.
const deleteMost = windowstore.MaxCommitKeys / 2

// drop deletes keys if the records are as they were read.
func (w *Janitor) drop(ctx context.Context, shard int, records []windowstore.Record, keys [][]byte) (bool, error) {
	for some := range slices.Chunk(keys, deleteMost) {
		c := &windowstore.Commit{Records: records, Deletes: some}
		if res, err := w.Store.Commit(ctx, shard, c); err != nil || res.Outcome != windowstore.Done {
			return false, err
		}
	}
	return true, nil
}
