package alertmanager

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRestore: a process that starts goes on with what was told before.
func TestRestore(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	restore := func(subject string, episode int, level string, minutes int, sentAt time.Time) {
		t.Helper()
		x.Restore(made(t, subject, episode, level, minutes), sentAt)
	}
	long := time.Time{}
	restore("gone", 1, "1", -1440, long)
	restore("on", 1, "0.5", -1439, long)
	restore("on", 1, "1", -100, long)
	restore("late", 1, "1", -5000, begin.Add(-10*time.Minute))
	restore("cleared", 1, "1", -100, long)
	restore("cleared", 1, "0", -50, long)
	restore("clearing", 1, "1", -100, long)
	restore("clearing", 1, "0", -50, begin.Add(-2*time.Minute))
	sent(t, am, "")
	x.again(0)
	sent(t, am, "clearing 1 until -50; late 1 until 5; on 0.5 until 1; on 1 until 1340")
	x.again(3)
	sent(t, am, "late 1 until 5; on 1 until 1340")
	x.deliver("on", 1, "0", 2)
	sent(t, am, "on 1 until 2")
	if x.Lookback() <= 24*time.Hour {
		t.Error(x.Lookback())
	}
	x.Forget(1)
	x.again(0)
	if got := am.take(); got == "" {
		t.Error("another partition was taken away")
	}
	x.Forget(0)
	if kept := x.again(0); kept != 0 || len(x.groups) != 0 {
		t.Errorf("%d alerts, %d groups", kept, len(x.groups))
	}
	sent(t, am, "")
}

// TestRounds: many are sent in several requests, all of them, and not above the bound.
func TestRounds(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	for i := range 3*roundGroups + 1 {
		x.Restore(made(t, fmt.Sprint(i), 1, "1", 0), begin)
	}
	if kept := x.again(1); kept != 3*roundGroups+1 || am.requests != 4 || len(am.got) != kept {
		t.Errorf("kept %d, %d requests, %d alerts", kept, am.requests, len(am.got))
	}
	x.count = mostAlerts
	x.Restore(made(t, "more", 1, "1", 0), begin)
	if x.count != mostAlerts {
		t.Errorf("%d", x.count)
	}
}

// TestRoundRefused: what is refused for good while it goes on is forgotten, and the others go on: at every server that takes them.
func TestRoundRefused(t *testing.T) {
	am, other := newFake(t), newFake(t)
	am.judge = func(_ int, body string) int {
		if strings.Contains(body, `"subject":"bad`) {
			return 422
		}
		return 200
	}
	f := func(refused, requests int, urls ...string) {
		t.Helper()
		x := newRig(t, urls...)
		const good = 2*roundGroups + 7
		for i := range good {
			x.Restore(made(t, fmt.Sprint(i), 1, "1", 0), begin)
		}
		x.Restore(made(t, "bad", 1, "0.5", 0), begin)
		x.Restore(made(t, "bad", 1, "1", 0), begin)
		x.Restore(made(t, "bad2", 1, "1", 0), begin)
		am.take()
		other.take()
		_, sent, list, err := x.round(t.Context())
		if err != nil || len(list) != refused || len(am.got) != good || sent != good+(2-refused)/2*3 || refused > 0 && !strings.Contains(list[0].Error(), `"bad"`) {
			t.Errorf("sent %d, the server has %d, refused %v, %v", sent, len(am.got), list, err)
		}
		am.take()
		if kept, sent, list, err := x.round(t.Context()); err != nil || list != nil || kept != sent || am.requests != requests || len(am.got) != good {
			t.Errorf("again: kept %d, sent %d, the server has %d by %d requests, refused %v, %v", kept, sent, len(am.got), am.requests, list, err)
		}
	}
	f(2, 3, am.URL+"/am")
	f(0, 3+9, am.URL+"/am", other.URL+"/am") // the other one takes what it is sent, so that it goes on
}

// TestRoundStops: one request that fails ends no round, two in a row do. The next round begins there, and nobody waits for ever.
func TestRoundStops(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	for i := range 5 * roundGroups {
		x.Restore(made(t, fmt.Sprintf("%03d", i), 1, "1", 0), begin)
	}
	f := func(want string, failing ...int) {
		t.Helper()
		am.take()
		am.judge = func(request int, _ string) int {
			if slices.Contains(failing, request) {
				return 500
			}
			return 200
		}
		if _, _, _, err := x.round(t.Context()); (err != nil) != (len(failing) > 0) {
			t.Error(err)
		}
		got := ""
		for i := 0; i < len(am.got); i += roundGroups {
			got += am.got[i].Labels["subject"] + " "
		}
		if got != want {
			t.Errorf("%v fail: got %s, want %s", failing, got, want)
		}
	}
	f("000 050 100 150 200 ")
	f("000 100 150 200 ", 2)
	f("000 100 ", 2, 4, 5)
	f("000 ", 2, 3)
	f("150 200 000 050 100 ")
	f("", 1, 2)
	f("100 150 200 000 050 ")
}

// TestBounds: memory does not grow by subjects that have no alert.
func TestBounds(t *testing.T) {
	am := newFake(t)
	x := newRig(t, am.URL+"/am")
	f := func(what string, groups int) {
		t.Helper()
		if len(x.groups) != groups {
			t.Errorf("%s: %d groups", what, len(x.groups))
		}
	}
	x.deliver("below", 1, "0", 0)
	f("a clear of what was never told", 0)
	x.Restore(made(t, "long ago", 1, "1", -3000), time.Time{})
	x.again(0)
	f("what is over", 0)
	x.deliver("x", 1, "1", 0)
	x.deliver("x", 1, "0", 1)
	x.deliver("y", 1, "1", 0)
	x.deliver("y", 1, "0", 1)
	x.deliver("y", 2, "1", 2)
	x.again(6)
	f("cleared", 2)
	am.take()
	x.deliver("x", 1, "1", 0) // it comes twice
	sent(t, am, "")
	for range mostEnded - len(x.ended) {
		x.ended = append(x.ended, ending{forget: x.now.Add(24 * time.Hour)})
	}
	x.deliver("y", 2, "0", 3)
	f("as many clears as are known", 1)
	if g := x.groups[groupKey{"r", "incident", "y"}]; g == nil || g.cleared != 2 || len(x.ended) != mostEnded {
		t.Errorf("%+v, %d clears", g, len(x.ended))
	}
	x.again(24 * 60)
	f("a day later", 0)
	if len(x.ended) != 0 {
		t.Errorf("%d clears", len(x.ended))
	}
	x.count = mostAlerts
	x.Restore(made(t, "more", 1, "1", 2000), begin)
	f("as many alerts as are kept", 0)
}
