package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	"github.com/seed-afe14ff2/aggregator/internal/stream/verify"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestServiceOfSubjectBehind: the service gives what replay gives, whatever its batches, and after it was ended anywhere.
func TestServiceOfSubjectBehind(t *testing.T) {
	p := compile(t, enginetest.LaggingPack)
	lines := append(enginetest.LaggingLines(), enginetest.Click("other", "13:00:47"), enginetest.Click("old", "10:59:00"), enginetest.Click("old", "11:02:00"))
	want, _ := enginetest.Replayed(t, p, lines)
	for i := range want {
		_, want[i], _ = strings.Cut(want[i], " ")
		want[i], _, _ = strings.Cut(want[i], " ")
	}
	for cut := 1; cut < len(lines); cut++ {
		store, feed := windowstore.NewMem(1), newFeeder(p)
		for _, some := range [][]string{lines[:cut], lines[cut:]} { // two processes, one after the other
			s, l := lone(t, p, store)
			feed.count(t, s, l, some...)
		}
		if got := outboxIDs(t, store); !slices.Equal(got, want) {
			t.Errorf("ended after %d lines: got %v, want %v", cut, got, want)
		}
		values, err := store.Load(t.Context(), 0, [][]byte{store.Keys().AppendRecordKey(nil, 0, "incident", []byte("old"))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		old, err := windows.DecodeSubject(&p.Kinds[0].Layout, values[0])
		if err != nil {
			t.Fatal(err)
		}
		if behind := time.Hour + 58*time.Minute + 47*time.Second; old.Delay() != uint64(behind) { // a click of 11:02:00 at 13:00:47
			t.Errorf("ended after %d lines: delay %v, want %v", cut, time.Duration(old.Delay()), behind)
		}
	}
}

// outboxIDs are the ids of the crossings of the only shard.
func outboxIDs(t *testing.T, store *windowstore.Mem) (ids []string) {
	t.Helper()
	for n := uint64(0); ; n++ {
		values, err := store.Load(t.Context(), 0, [][]byte{store.Keys().AppendOutboxKey(nil, 0, n)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if values[0] == nil {
			return ids
		}
		e, err := outbox.ParseEntry(values[0])
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
}

// TestIndexOfSubjectBehind: the index has a clear by its date and the subject's delay, and sooner once the subject has
// caught up, so that it is not noticed late.
func TestIndexOfSubjectBehind(t *testing.T) {
	r := newClearRig(t)
	views := func(incident, at string, n int) {
		t.Helper()
		r.feed.count(t, r.shard, r.lease, fmt.Sprintf(`{"id":"%s%s","time":"2026-01-02T%sZ","type":"view","incident":%q,"count":%d}`, incident, at, at, incident, n))
		r.shard.Publish()
	}
	armed := func(want string) {
		t.Helper()
		got := "none"
		if due := r.armed(); len(due) > 0 {
			got = time.Unix(due[0].Unix, 0).UTC().Format("15:04:05")
		}
		if got != want {
			t.Errorf("in the index by %s, want %s", got, want)
		}
	}
	views("Y", "02:00:00", 1)
	views("X", "01:00:00", 10)
	armed("03:01:00") // dated 02:01, and an hour behind
	views("X", "01:30:00", 1)
	armed("02:31:00")
	views("Y", "02:20:00", 1)
	views("X", "01:40:00", 1)
	armed("02:31:00") // by 02:41 is enough
	views("Y", "02:35:00", 1)
	r.sweep()
	armed("02:41:00") // it was looked at
	views("Y", "02:40:59", 1)
	r.sweep()
	armed("02:41:00")
	views("Y", "02:41:00", 1)
	r.sweep()
	armed("none")
	if got := outboxIDs(t, r.store); !slices.Equal(got, []string{"short/incident/X/1/0.8", "short/incident/X/1/1", "short/incident/X/1/0"}) {
		t.Errorf("crossings %v", got)
	}
}

// armings counts the calls that put subjects into the index.
type armings struct {
	*windowstore.Mem
	calls, members int
}

func (s *armings) Arm(ctx context.Context, shard int, due ...windowstore.Due) error {
	s.calls, s.members = s.calls+1, s.members+len(due)
	return s.Mem.Arm(ctx, shard, due...)
}

// TestIndexTogether: a commit puts all its subjects into the index at once, those that crossed and those that have become less far behind.
func TestIndexTogether(t *testing.T) {
	p := compile(t, enginetest.LaggingPack)
	store := &armings{Mem: windowstore.NewMem(1)}
	s, l := lone(t, p, store)
	feed := newFeeder(p)
	lines := []string{enginetest.Click("other", "12:00:00")}
	for second := range 4 {
		for i := range 200 {
			lines = append(lines, enginetest.Click(fmt.Sprint("i", i), fmt.Sprintf("10:00:%02d", second)))
		}
		feed.count(t, s, l, lines...)
		lines = nil
	}
	if store.calls != 2 || store.members != 400 {
		t.Errorf("%d calls for %d subjects, want two for 400: at the third click, and at the fourth, a second less behind", store.calls, store.members)
	}
}

// TestForgetWaitsForDelay: a scan deletes a subject that runs behind the stream as much later.
func TestForgetWaitsForDelay(t *testing.T) {
	r := newSweepRig(t)
	r.feed.count(t, r.shard, r.lease, `{"id":"b","time":"2026-01-31T00:00:00Z","type":"click","incident":"B"}`)
	r.clicks(3) // of the first of January: thirty days behind; its window is empty on the 12th, and it is kept for a day
	r.shard.StreamTimeShared.Store(0)
	for day := 9; day <= 12; day++ {
		r.reach(day)
		r.scan()
		if there := r.keysLeft("{00}r:incident:A") == 1; there != (day < 12) {
			t.Errorf("on the %dth of February: there %v", day, there)
		}
	}
}

// TestForgetWaitsForTime: of a subject whose events were all refused the time is kept as long as the windows of others.
func TestForgetWaitsForTime(t *testing.T) {
	r := newSweepRigOf(t, `
pack: p
measures: {orders: {sum: count, types: [order]}, defied: {sum: count, types: [click], after: orders}}
rules: [{id: r, by: incident, window: 10d, step: 1d, limits: {defied: 10}}]
`)
	r.clicks(1)
	there := func() bool { return r.keysLeft("{00}r:") == 1 }
	r.shard.StreamTimeShared.Store(0)
	r.reach(-30) // the first of January, at noon or so
	if r.scan(); !there() {
		t.Error("forgotten at once")
	}
	r.reach(1)
	if r.scan(); there() {
		t.Error("kept for ever")
	}
}

// TestVerifyBehind: verify finds no difference in a store that counted a backlog which came customer by customer.
func TestVerifyBehind(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, partitions := range []int{1, 3} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			r := newRig(t, partitions, compile(t, enginetest.LaggingPack))
			now := time.Now().UnixMilli()
			for i, lines := range enginetest.Customers(rand.New(rand.NewPCG(seed, 1)), 200) {
				var events []sentEvent
				for _, line := range lines {
					events = append(events, sentEvent{value: []byte(line), millis: now})
				}
				r.send(i%partitions, events...)
			}
			v := r.nothingDiffers(t)
			if partitions == 1 && v.Open != ([verify.NumReasons]int{}) {
				t.Error("of one partition all can be compared")
			}
		})
	}
}
