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
	"github.com/seed-afe14ff2/aggregator/internal/stream/listing"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// scanner looks at all records of the shards that the process owns. It mends the index of armed
// subjects, and hands those whose windows are empty to old.
type scanner struct {
	*Options
	old   forgetter
	armed []int  // how many subjects of each shard may clear, by the last scan; 0: there was none since the process owns it
	seen  []bool // which shards were scanned since the process owns them
}

// given reports whether the process has shards that it has not scanned yet. Those that it has no more are forgotten here, too.
func (w *scanner) given() (some bool) {
	for n, s := range w.Shards {
		if !w.scanned(s) {
			w.seen[n] = false
		} else if !w.seen[n] {
			some = true
		}
	}
	return some
}

// first is how long the first scan waits, and how often it is tried until there is something to be scanned.
func (w *scanner) first() time.Duration {
	if w.Soon {
		return scanSoon
	}
	return scanFirst
}

// shardScan is one shard's part of a scan.
type shardScan struct {
	owned bool
	keys  [][]byte // found and not looked at yet
	armed int      // may clear, of those looked at
	ahead pending  // of those looked at
	err   error    // the first
}

// scan looks at every record of the owned shards. Records whose windows have been empty for long
// are forgotten; those that may clear are put into the index (see index). What cannot be looked at
// does not hold up the rest.
func (w *scanner) scan(ctx context.Context) error {
	shards := make([]shardScan, len(w.Shards))
	for n, s := range w.Shards {
		if shards[n].owned = w.scanned(s); !shards[n].owned {
			w.armed[n], w.seen[n] = 0, false
		}
	}
	began := time.Now()
	pause := func() {
		w.Rest(ctx, time.Since(began))
		began = time.Now()
	}
	early := w.walkFirst(ctx, shards, pause)
	err := w.Store.ScanRecords(ctx, func(n int, key []byte) bool {
		if n < len(shards) && shards[n].owned {
			s := &shards[n]
			if s.keys = append(s.keys, bytes.Clone(key)); len(s.keys) >= w.Step {
				w.examine(ctx, n, s)
			}
		}
		return ctx.Err() == nil
	}, pause)
	failed := errors.Join(early, err)
	for n := range shards {
		s := &shards[n]
		if len(s.keys) > 0 {
			w.examine(ctx, n, s)
			pause()
		}
		w.seen[n] = w.seen[n] || s.owned && err == nil
		if s.owned && err == nil && s.err == nil {
			w.armed[n] = s.armed
		}
		failed = errors.Join(failed, s.err)
	}
	if failed == nil && ctx.Err() == nil {
		w.tellPending(shards)
	}
	return errors.Join(failed, w.walk(ctx, shards, pause))
}

// scanned reports whether a shard is the process' to scan, and it is known how far the stream is
// there.
func (w *scanner) scanned(s *shard.Shard) bool {
	return w.Owned(s.Number) && s.StreamTimeShared.Load() != engine.NoTime
}

// examine looks at the keys that a shard's part of a scan has.
func (w *scanner) examine(ctx context.Context, shard int, s *shardScan) {
	armed, err := w.examineKeys(ctx, shard, s.keys, &s.ahead)
	s.keys, s.armed, s.err = s.keys[:0], s.armed+armed, cmp.Or(s.err, err)
}

// examineKeys forgets or indexes the records under keys. How far the stream is it reads together
// with them: a store that went back may hold records to which what comes next belongs. It returns how many may clear.
func (w *scanner) examineKeys(ctx context.Context, number int, keys [][]byte, ahead *pending) (int, error) {
	all := position.AppendFenceKeys(slices.Clip(keys), w.Keys, number, w.Partitions)
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
	var near, gone, unread []listing.Name
	var damaged error
	for i, record := range values[:len(keys)] {
		_, name, id, _ := w.Keys.ParseRecordKey(keys[i])
		kind, ok := thresholds.ParseKind(name)
		if record == nil || !ok {
			continue
		}
		s, err := windows.DecodeSubject(&w.Program.Kinds[kind].Layout, record)
		if err == nil && !ahead.add(w.Program, kind, s) {
			unread = append(unread, listing.Name{Kind: kind, ID: string(id)})
		}
		switch {
		case err != nil:
			damaged = cmp.Or(damaged, err)
		case w.mayClear(s, kind):
			now, _ := s.Time()
			due = append(due, windowstore.Due{Member: w.Keys.AppendMember(nil, name, id), Unix: engine.Seconds(max(now, streamTime))})
			near = w.near(near, s, kind, id)
		case engine.Forgettable(s, streamTime):
			gone = w.near(gone, s, kind, id)
			old = append(old, emptied{subject: s, parts: s.Shrink(nil), key: keys[i], record: record, kind: kind, id: id})
		default:
			near = w.near(near, s, kind, id)
		}
	}
	err = cmp.Or(w.addUnread(ctx, number, unread, ahead), w.index(ctx, number, due))
	err = cmp.Or(err, w.old.forget(ctx, number, old), damaged)
	return len(due), cmp.Or(err, w.list(ctx, number, near, gone))
}

// near appends a subject that may be near a limit.
func (w *scanner) near(dst []listing.Name, s *windows.Subject, kind thresholds.Kind, id []byte) []listing.Name {
	if w.Listing == nil || !w.Listing.Wanted(&engine.Subject{Subject: s, Kind: kind}) {
		return dst
	}
	return append(dst, listing.Name{Kind: kind, ID: string(id)})
}

// list mends the lists of subjects near a limit where those that were looked at are missing, and takes out those that were forgotten.
func (w *scanner) list(ctx context.Context, number int, near, gone []listing.Name) error {
	if w.Listing == nil {
		return nil
	}
	return cmp.Or(w.Listing.Forgotten(ctx, number, gone), w.Listing.Remake(ctx, number, near))
}

// walkFirst is walk before all records are looked at, where the rules are other ones than before: what is listed is by other limits. A scan may
// take minutes, and what is listed is the first that is shown.
func (w *scanner) walkFirst(ctx context.Context, shards []shardScan, pause func()) error {
	if !w.Soon || w.Listing == nil {
		return nil
	}
	first := slices.Clone(shards)
	for n := range first {
		first[n].owned = first[n].owned && !w.seen[n]
	}
	return w.walk(ctx, first, pause)
}

// walk looks at what is listed of the owned shards, and takes out what should not be.
func (w *scanner) walk(ctx context.Context, shards []shardScan, pause func()) (err error) {
	for n := range shards {
		switch {
		case !shards[n].owned || ctx.Err() != nil:
		case w.Listing == nil:
			err = errors.Join(err, listing.Drop(ctx, w.Store, n))
		default:
			err = errors.Join(err, w.Listing.Walk(ctx, n, pause))
		}
	}
	return err
}

// index puts subjects that may clear into the index, to be looked at after those that are due by
// now. A date that is there may be too late: its process died between a commit and the noting, or
// the rules were others. So the date is computed again for a random sample of about w.Recompute
// subjects of a shard, or for all if there are fewer. Computing all of them after each scan would
// starve the sweeps of clears that are due.
func (w *scanner) index(ctx context.Context, shard int, due []windowstore.Due) error {
	var again, absent []windowstore.Due
	for _, d := range due {
		if n := w.armed[shard]; n == 0 || rand.IntN(n) < w.Recompute {
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
func (w *scanner) mayClear(s *windows.Subject, kind thresholds.Kind) bool {
	for r, rule := range w.Program.Kinds[kind].Rules {
		if rule.Clear > 0 && rule.Window > 0 && s.RuleState(r).Level > 0 {
			return true
		}
	}
	return false
}
