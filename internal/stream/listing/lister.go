package listing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is what a Lister works with.
type Options struct {
	Program *engine.Program
	Store   windowstore.Store
	Shards  int
	Writer  uint64 // this process, as records name it
	Most    int    // rows of a list; DefaultMost by default
	Metrics *metrics.Lists
	Calls   *metrics.Calls
}

// Lister writes the lists. Take may be called by every goroutine, a turn by one at a time.
type Lister struct {
	Options
	records
	// Alone reports whether this process thinks that nobody else writes the same subjects. Then records are looked at again
	// when they have been quiet for a while.
	Alone   atomic.Bool
	digests map[*thresholds.Rule]uint32 // of the rules
	shards  []list
	turns   int
}

// list is the lists of one shard, as far as this process writes them.
type list struct {
	inbox

	writing sync.Mutex // guards what follows, and is held while lists are written of what was read
	waiting map[Name]*waiting
	written map[Name]int     // subjects whose rows were written, and whose records are still to be looked at: in which turn
	doubted map[Name]bool    // those of which some rows may be out of date whoever wrote the record last
	again   []Name           // whose rows are to be made again, since others wrote them all the time
	sizes   map[string]*size // of the lists, by rule
}

// New is a Lister to which nothing was given yet.
func New(o Options) *Lister {
	o.Most = cmp.Or(o.Most, DefaultMost)
	l := &Lister{Options: o, records: records{program: o.Program, store: o.Store}, digests: map[*thresholds.Rule]uint32{}, shards: make([]list, o.Shards)}
	for r := range o.Program.Rules {
		l.digests[r] = digestOf(r)
	}
	for i := range l.shards {
		x := &l.shards[i]
		x.waiting, x.written, x.doubted, x.sizes = map[Name]*waiting{}, map[Name]int{}, map[Name]bool{}, map[string]*size{}
	}
	return l
}

const (
	// turnEvery is how often rows are written. With every slowTurns-th turn all are written, with the others those that are
	// urgent: so a row that changes all the time is written once in two seconds, with some time left for the writing.
	turnEvery = 450 * time.Millisecond
	slowTurns = 4
	// quietTurns is how long a process that is alone leaves a subject's record before it looks at it again: while the rows are
	// written again and again it need not.
	quietTurns = 2 * slowTurns
	// tellTurns is with every how-manieth turn the metrics are told how many subjects are listed: every ten seconds.
	tellTurns = 20

	// LastTimeout bounds the last turn.
	LastTimeout = 500 * time.Millisecond
)

// Serve takes turns until ctx ends, and a last one then.
func (l *Lister) Serve(ctx context.Context) {
	retry.Every(ctx, turnEvery, func(time.Time) { l.Turn(ctx) })
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LastTimeout)
	defer cancel()
	l.Flush(ctx)
}

// Turn writes the rows that are urgent, and now and then all.
func (l *Lister) Turn(ctx context.Context) {
	if l.turns%tellTurns == 0 {
		l.failed(ctx, l.tell(ctx))
	}
	l.turns++
	what := urgentRows
	if l.turns%slowTurns == 0 {
		what = allRows
	}
	l.turn(ctx, what, l.turns-quietTurns)
}

func (l *Lister) failed(ctx context.Context, err error) {
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		l.Calls.Failed(metrics.OperationList, err)
	}
}

// Flush writes all rows that wait, and looks at all records again.
func (l *Lister) Flush(ctx context.Context) { l.turn(ctx, everything, l.turns) }

func (l *Lister) turn(ctx context.Context, what scope, upTo int) {
	for n := range l.shards {
		err := l.write(ctx, n, what)
		if what > urgentRows {
			err = errors.Join(err, l.recheck(ctx, n, upTo))
		}
		l.failed(ctx, err)
	}
}

// write writes what waits of a shard. What fails waits on.
func (l *Lister) write(ctx context.Context, shard int, what scope) error {
	x := &l.shards[shard]
	x.writing.Lock()
	defer x.writing.Unlock()
	x.gather()
	again := x.again
	x.again = nil
	if err := l.remake(ctx, shard, again); err != nil {
		x.again = append(again, x.again...)
		return err
	}
	rows := x.due(l.turns, what)
	if len(rows) == 0 {
		return nil
	}
	done, err := l.writeRows(ctx, shard, rows)
	x.finish(rows[:done], l.turns)
	if err != nil || l.Alone.Load() && len(x.written) < waitingMost {
		return err
	}
	return l.recheckAll(ctx, shard, l.turns)
}

// writeRows returns how many of the rows it has written.
func (l *Lister) writeRows(ctx context.Context, shard int, rows []waitingRow) (done int, err error) {
	for some := range slices.Chunk(rows, writeMost) {
		changes, err := l.changes(ctx, shard, some)
		if err == nil {
			err = l.put(ctx, shard, changes, func(i int) bool { return some[i].Urgent }) // others were listed before
		}
		if err != nil {
			return done, err
		}
		done += len(some)
	}
	return done, nil
}

// changes are the changes as the store takes them, with new sights put together with those of before.
func (l *Lister) changes(ctx context.Context, shard int, some []waitingRow) ([]windowstore.RowChange, error) {
	changes := make([]windowstore.RowChange, len(some))
	digest := func(w waitingRow) uint32 { return l.digests[l.program.Kinds[w.Kind].Rules[w.Rule].Rule] }
	var sighted []int
	var names []windowstore.RowName
	for i, w := range some {
		changes[i] = windowstore.RowChange{RowName: l.rowName(w.Name, w.Rule), Progress: w.Progress, Gone: !w.Listed, Beside: w.clean, Old: !w.Urgent}
		switch {
		case !w.Listed || !w.sights:
		case w.New:
			changes[i].Sights = encodeSights(digest(w), merge(nil, w.Sights))
		default:
			sighted, names = append(sighted, i), append(names, changes[i].RowName)
		}
	}
	if len(names) == 0 {
		return changes, nil
	}
	kept, err := l.store.Sights(ctx, shard, names...)
	if err != nil {
		return nil, err
	}
	for k, i := range sighted {
		of := digest(some[i])
		changes[i].Sights = encodeSights(of, merge(parseSights(of, kept[k]), some[i].Sights))
	}
	return changes, nil
}

func (l *Lister) rowName(n Name, rule int) windowstore.RowName {
	return windowstore.RowName{Rule: l.program.Kinds[n.Kind].Rules[rule].ID, ID: []byte(n.ID)}
}

// recheck looks once more at subjects whose rows were written, up to a turn.
func (l *Lister) recheck(ctx context.Context, shard, upTo int) error {
	x := &l.shards[shard]
	x.writing.Lock()
	defer x.writing.Unlock()
	return l.recheckAll(ctx, shard, upTo)
}

// recheckAll makes rows again where another process wrote the record last. What it wrote between our commit and the writing of the
// row would be lost. Where this process did, all changes were given to be written, unless it read meanwhile what another had written (Doubt). That process commits before it writes its rows,
// so that one of the two sees the other. Also a process that thinks that it is alone looks: it may be late to learn that another
// one has its partitions now.
func (l *Lister) recheckAll(ctx context.Context, shard, upTo int) error {
	x := &l.shards[shard]
	var names []Name
	for n, turn := range x.written {
		if turn <= upTo {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, Name.compare)
	for some := range slices.Chunk(names, writeMost) {
		foreign, err := l.foreign(ctx, shard, some)
		if err == nil {
			err = l.remake(ctx, shard, foreign)
		}
		if err != nil {
			return err
		}
		for _, n := range some {
			delete(x.written, n)
			if !x.dirty(n) {
				delete(x.doubted, n)
			}
		}
	}
	return nil
}
