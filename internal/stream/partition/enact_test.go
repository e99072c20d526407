package partition

import (
	"context"
	"regexp"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/stream/shard"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

const (
	ourRules   = "aaaaaaaaaaaaaaaa"
	otherRules = "bbbbbbbbbbbbbbbb"
)

// timesOf are the times of eras, which no test knows.
var timesOf = regexp.MustCompile(`:[0-9]{13}`)

// TestEnact: what the history of a partition says after it was found at its fence, by what it said before. The fence is another one
// wherever others decided before, so that their next commit is refused.
func TestEnact(t *testing.T) {
	for _, x := range []struct {
		name    string
		fence   bool   // the partition was counted, up to offset 7
		packs   uint64 // by others packs than ours: 1
		history string // "": none
		want    string
		same    bool // the fence stays
	}{
		{"new", false, 0, "", "0:" + ourRules, false},
		{"ours", true, 0, "0:" + ourRules + ":1", "0:" + ourRules + ":1", true},
		{"others'", true, 1, "0:" + otherRules + ":1", "0:" + otherRules + ":1 7:" + ourRules, false},
		{"ours again", true, 1, "0:" + ourRules + ":1 3:" + otherRules + ":2", "0:" + ourRules + ":1 3:" + otherRules + ":2 7:" + ourRules, false},
		{"others', who counted nothing", true, 0, "0:" + ourRules + ":1 7:" + otherRules + ":2", "0:" + ourRules + ":1", false},
		{"of a version without histories", true, 0, "", "0:" + ourRules, false},
		{"of such a version, by other packs", true, 1, "", "7:" + ourRules, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			store, announced := windowstore.NewMem(1), 0
			s := sharing(t, fetchtest.Clicks(9), func(o *Options) {
				o.Store, o.Rules, o.Enact = store, ourRules, func(context.Context) error { announced++; return nil }
			})
			p := s.New(shard.NewAssignment("events", 0, 0, 1))
			p.log.open(0)
			fenceKey, historyKey := store.Keys().AppendFenceKey(nil, 0, "events", 0), p.origin.historyKey(0)
			old := position.Position{Offset: 7, Clock: fetchtest.ClicksAt, Pack: s.Program.Hash + x.packs}.AppendFence(nil, 1)
			if x.fence {
				put(t, store, fenceKey, old)
			}
			if x.history != "" {
				put(t, store, historyKey, []byte(x.history))
			}
			fences, err := p.origin.find(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			values, err := store.Load(t.Context(), 0, [][]byte{fenceKey, historyKey}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := timesOf.ReplaceAllString(string(values[1]), ""); got != x.want {
				t.Errorf("history %q, want %q", got, x.want)
			}
			if string(fences[0]) != string(values[0]) {
				t.Error("another fence than the stored one was found")
			}
			if same := string(values[0]) == string(old); same != x.same || (announced == 0) != x.same {
				t.Errorf("the fence stayed: %v; announced %d times", same, announced)
			}
			if m, err := position.ParseFence(values[0]); err != nil || m.Pack != s.Program.Hash {
				t.Errorf("the fence bears other packs: %+v, %v", m, err)
			}
		})
	}
}

// TestEnactMeets: the fence moves while the history is written: then it is written with what the fence is by now.
func TestEnactMeets(t *testing.T) {
	mem := windowstore.NewMem(1)
	store := &meddled{Mem: mem}
	s := sharing(t, fetchtest.Clicks(9), func(o *Options) { o.Store, o.Rules = store, ourRules })
	p := s.New(shard.NewAssignment("events", 0, 0, 1))
	fenceKey, historyKey := mem.Keys().AppendFenceKey(nil, 0, "events", 0), p.origin.historyKey(0)
	put(t, mem, fenceKey, position.Position{Offset: 5, Clock: 1}.AppendFence(nil, 1))
	put(t, mem, historyKey, []byte("0:"+otherRules+":1"))
	store.meddle = func() { put(t, mem, fenceKey, position.Position{Offset: 6, Clock: 1}.AppendFence(nil, 2)) }
	if _, err := p.origin.find(t.Context()); err != nil {
		t.Fatal(err)
	}
	values, err := mem.Load(t.Context(), 0, [][]byte{historyKey}, nil)
	if got := timesOf.ReplaceAllString(string(values[0]), ""); err != nil || got != "0:"+otherRules+":1 6:"+ourRules {
		t.Errorf("history %q, %v", got, err)
	}
}

// meddled is a store in which something happens before the first commit.
type meddled struct {
	*windowstore.Mem
	meddle func()
}

func (s *meddled) Commit(ctx context.Context, shard int, c *windowstore.Commit) (windowstore.Result, error) {
	if f := s.meddle; f != nil {
		s.meddle = nil
		f()
	}
	return s.Mem.Commit(ctx, shard, c)
}

func put(t *testing.T, store *windowstore.Mem, key, value []byte) {
	t.Helper()
	if err := store.Put(t.Context(), 0, key, value); err != nil {
		t.Fatal(err)
	}
}

// TestChangeOfRules: a partition goes to its fences by other rules once all shards have changed to them, and not before.
func TestChangeOfRules(t *testing.T) {
	store := windowstore.NewMem(1)
	s := sharing(t, fetchtest.Clicks(9), func(o *Options) { o.Store, o.Rules = store, otherRules })
	p := s.New(shard.NewAssignment("events", 0, 0, 1))
	p.Begin()
	begun := func() *shard.Message {
		select {
		case m := <-s.Shards[0]:
			return &m
		default:
			return nil
		}
	}
	if pause := p.Turn(t.Context()); pause > 0 || begun() == nil {
		t.Fatal("it has not begun")
	}
	to := s.Deciding
	to.Rules = ourRules
	s.Change(to)
	p.Assignment.Restart <- struct{}{}
	p.Turn(t.Context()) // it hears that
	if pause := p.Turn(t.Context()); pause != changingPause || begun() != nil {
		t.Errorf("it begins while shards change: pause %v", pause)
	}
	p.Assignment.Restart <- struct{}{} // another shard has changed, too
	s.Changed()
	if pause := p.Turn(t.Context()); pause > 0 || begun() == nil || p.Rules != ourRules || len(p.Assignment.Restart) > 0 {
		t.Errorf("pause %v, by %s, asked %d", pause, p.Rules, len(p.Assignment.Restart))
	}
	values, err := store.Load(t.Context(), 0, [][]byte{p.origin.historyKey(0)}, nil)
	if got := timesOf.ReplaceAllString(string(values[0]), ""); err != nil || got != "0:"+ourRules {
		t.Errorf("history %q, %v", got, err)
	}
}
