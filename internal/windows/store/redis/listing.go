package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// pipeline is commands that are sent together. None needs the answer of another.
type pipeline struct {
	store *Store
	cmds  []goredis.Cmder
}

// add adds a command whose first argument is its key.
func (p *pipeline) add(args ...any) {
	cmd := goredis.NewCmd(context.Background(), args...)
	cmd.SetFirstKeyPos(1)
	p.cmds = append(p.cmds, cmd)
}

// send sends them. The error is that of the first that failed.
func (p *pipeline) send(ctx context.Context) error {
	if len(p.cmds) == 0 {
		return ctx.Err()
	}
	_, err := p.store.client.Pipelined(ctx, func(to goredis.Pipeliner) error {
		for _, cmd := range p.cmds {
			_ = to.Process(ctx, cmd) // it is only noted there
		}
		return nil
	})
	for _, cmd := range p.cmds {
		if failed := cmd.Err(); failed != nil && !errors.Is(failed, goredis.Nil) {
			err = failed
			break
		}
	}
	if err != nil && !errors.Is(err, goredis.Nil) {
		p.store.lookAgain(ctx, err)
		return oneLine(err)
	}
	return nil
}

// List is Store's. Changes of one rule that follow each other share their commands.
func (r *Store) List(ctx context.Context, shard int, changes ...store.RowChange) error {
	p := pipeline{store: r}
	for from := 0; from < len(changes); {
		to := from + 1
		for to < len(changes) && changes[to].Rule == changes[from].Rule && changes[to].Gone == changes[from].Gone {
			to++
		}
		if changes[from].Gone {
			r.unlist(&p, shard, changes[from:to])
		} else {
			r.list(&p, shard, changes[from:to])
		}
		from = to
	}
	if err := p.send(ctx); err != nil {
		return fmt.Errorf("list in shard %d, %d rows: %w", shard, len(changes), err)
	}
	return nil
}

// words are the arguments of a command of many ids. The client takes them without an allocation for each.
type words struct {
	args []any
	raw  []rawBytes // where args point to: it must not move
	text []byte     // of numbers; it must not move, either
}

// newWords begins a command of so many ids, each with another argument at most.
func newWords(command string, key []byte, ids int) *words {
	const number = 20 // bytes, at most
	w := &words{args: make([]any, 0, 2+2*ids), raw: make([]rawBytes, 0, 2*ids), text: make([]byte, 0, number*ids)}
	w.args = append(w.args, command, key)
	return w
}

func (w *words) add(b []byte) {
	w.raw = append(w.raw, b)
	w.args = append(w.args, &w.raw[len(w.raw)-1])
}

func (w *words) addNumber(n int64) {
	from := len(w.text)
	w.text = strconv.AppendInt(w.text, n, 10)
	w.add(w.text[from:])
}

// addTo adds the command to a pipeline, if it has any ids.
func (w *words) addTo(p *pipeline) {
	if len(w.raw) > 0 {
		p.add(w.args...)
	}
}

// list adds the commands by which rows of one rule are there.
func (r *Store) list(p *pipeline, shard int, rows []store.RowChange) {
	rule := rows[0].Rule
	if slices.ContainsFunc(rows, func(c store.RowChange) bool { return !c.Old && !c.Beside }) {
		p.add("sadd", r.keys.AppendListsKey(nil, shard), rule)
	}
	scores := newWords("zadd", r.keys.AppendListKey(nil, shard, rule), len(rows))
	sights := newWords("hset", r.keys.AppendSightsKey(nil, shard, rule), len(rows))
	for i := range rows {
		if !rows[i].Beside {
			scores.addNumber(scoreOf(rows[i].Progress))
			scores.add(rows[i].ID)
		}
		if rows[i].Sights != nil {
			sights.add(rows[i].ID)
			sights.add(rows[i].Sights)
		}
	}
	scores.addTo(p)
	sights.addTo(p)
}

// unlist adds those by which they are not.
func (r *Store) unlist(p *pipeline, shard int, rows []store.RowChange) {
	scores := newWords("zrem", r.keys.AppendListKey(nil, shard, rows[0].Rule), len(rows))
	sights := newWords("hdel", r.keys.AppendSightsKey(nil, shard, rows[0].Rule), len(rows))
	for i := range rows {
		scores.add(rows[i].ID)
		sights.add(rows[i].ID)
	}
	scores.addTo(p)
	sights.addTo(p)
}

// scoreOf is the score of a progress: the nearest come first, and those that are equal by their bytes.
func scoreOf(progress uint64) int64 { return -int64(min(progress, store.MostProgress)) }

// LookUp is Store's.
func (r *Store) LookUp(ctx context.Context, shard int, names ...store.RowName) ([]store.RowKept, error) {
	kept := make([]store.RowKept, len(names))
	err := r.eachRow(ctx, "zmscore", names, func(rule string) []byte { return r.keys.AppendListKey(nil, shard, rule) }, func(i int, score string) (err error) {
		kept[i].Listed = true
		kept[i].Progress, err = progressOf(score)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up rows of shard %d, %d rows: %w", shard, len(names), err)
	}
	return kept, nil
}

// Sights is Store's.
func (r *Store) Sights(ctx context.Context, shard int, names ...store.RowName) ([][]byte, error) {
	sights := make([][]byte, len(names))
	err := r.eachRow(ctx, "hmget", names, func(rule string) []byte { return r.keys.AppendSightsKey(nil, shard, rule) }, func(i int, value string) error {
		sights[i] = []byte(value)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sights of shard %d, %d rows: %w", shard, len(names), err)
	}
	return sights, nil
}

// eachRow asks a command that takes many ids about rows, and calls f with the answers that there are. Rows of one rule that follow
// each other share a command.
func (r *Store) eachRow(ctx context.Context, command string, names []store.RowName, key func(rule string) []byte, f func(i int, answer string) error) error {
	p := pipeline{store: r}
	for from := 0; from < len(names); {
		to := from
		for to < len(names) && names[to].Rule == names[from].Rule {
			to++
		}
		w := newWords(command, key(names[from].Rule), to-from)
		for ; from < to; from++ {
			w.add(names[from].ID)
		}
		w.addTo(&p)
	}
	err := p.send(ctx)
	i := 0
	for _, cmd := range p.cmds {
		if err != nil {
			return err
		}
		answers, _ := cmd.(*goredis.Cmd).Val().([]any)
		if len(answers) != len(cmd.Args())-2 {
			return errors.New("unexpected reply")
		}
		for _, answer := range answers {
			if text, ok := answer.(string); ok && err == nil {
				err = f(i, text)
			}
			i++
		}
	}
	return err
}

// progressOf reads a score, which is a double.
func progressOf(score string) (uint64, error) {
	x, err := strconv.ParseFloat(score, 64)
	if err != nil || x > 0 {
		return 0, fmt.Errorf("unexpected score %q", score)
	}
	return uint64(-x), nil
}

// CountRows is Store's.
func (r *Store) CountRows(ctx context.Context, asked ...store.RowsCounted) ([]int, error) {
	p := pipeline{store: r}
	for _, a := range asked {
		p.add("zcount", r.keys.AppendListKey(nil, a.Shard, a.Rule), "-inf", scoreOf(a.Least))
	}
	err := p.send(ctx)
	counts := make([]int, len(asked))
	for i := range p.cmds {
		if err == nil {
			counts[i], err = p.cmds[i].(*goredis.Cmd).Int()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("count rows of %d lists: %w", len(asked), err)
	}
	return counts, nil
}

// Lists is Store's.
func (r *Store) Lists(ctx context.Context, shard int) ([]string, error) {
	reply, err := r.do(ctx, 1, []any{"smembers", r.keys.AppendListsKey(nil, shard)})
	if err != nil {
		return nil, fmt.Errorf("lists of shard %d: %w", shard, err)
	}
	members, _ := reply.([]any)
	rules := make([]string, 0, len(members))
	for _, m := range members {
		if rule, ok := m.(string); ok {
			rules = append(rules, rule)
		}
	}
	return rules, nil
}

// DropStrays is Store's.
func (r *Store) DropStrays(ctx context.Context, shard int, rule string, from uint64) (next uint64, err error) {
	if next, err = r.dropStrays(ctx, shard, rule, from); err != nil {
		return 0, fmt.Errorf("drop sights of shard %d: %w", shard, err)
	}
	return next, nil
}

func (r *Store) dropStrays(ctx context.Context, shard int, rule string, from uint64) (uint64, error) {
	const step = 500
	key := r.keys.AppendSightsKey(nil, shard, rule)
	reply, err := r.do(ctx, 1, []any{"hscan", key, from, "count", step})
	if err != nil {
		return 0, err
	}
	list, _ := reply.([]any)
	if len(list) != 2 {
		return 0, errors.New("unexpected reply")
	}
	cursor, _ := list[0].(string)
	next, err := strconv.ParseUint(cursor, 10, 64)
	pairs, _ := list[1].([]any)
	if err != nil || len(pairs) == 0 {
		return next, err
	}
	var names []store.RowName
	for pair := range slices.Chunk(pairs, 2) {
		id, _ := pair[0].(string)
		names = append(names, store.RowName{Rule: rule, ID: []byte(id)})
	}
	kept, err := r.LookUp(ctx, shard, names...)
	if err != nil {
		return 0, err
	}
	strays := []any{"hdel", key}
	for i := range names {
		if !kept[i].Listed {
			strays = append(strays, names[i].ID)
		}
	}
	if len(strays) > 2 {
		_, err = r.do(ctx, 1, strays)
	}
	return next, err
}

// DropList is Store's.
func (r *Store) DropList(ctx context.Context, shard int, rule string) error {
	p := pipeline{store: r}
	p.add("unlink", r.keys.AppendListKey(nil, shard, rule), r.keys.AppendSightsKey(nil, shard, rule))
	p.add("srem", r.keys.AppendListsKey(nil, shard), rule)
	if err := p.send(ctx); err != nil {
		return fmt.Errorf("drop a list of shard %d: %w", shard, err)
	}
	return nil
}
