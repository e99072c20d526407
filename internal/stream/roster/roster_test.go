package roster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics/metricstest"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// flaky is a store that does not answer while it is down.
type flaky struct {
	windowstore.Store
	down bool
}

var errDown = errors.New("down, as the test wants it")

func (f *flaky) Load(ctx context.Context, shard int, keys, dst [][]byte) ([][]byte, error) {
	if f.down {
		return nil, errDown
	}
	return f.Store.Load(ctx, shard, keys, dst)
}

// member is a process with its roster.
type member struct {
	*Roster
	t        *testing.T
	registry *prometheus.Registry
	text     bytes.Buffer // of the log
}

func newMember(t *testing.T, s store, name string, hashes ...string) *member {
	m := &member{t: t, registry: prometheus.NewRegistry()}
	all := metrics.New(m.registry, enginetest.Compile(t))
	self := Process{Name: name, Host: "host-" + name, Client: "aggregator", Version: "v1"}
	for i, hash := range hashes {
		self.Packs = append(self.Packs, Pack{Name: fmt.Sprint("p", i), Hash: hash})
	}
	m.Roster = New(Options{Store: s, Self: self, Metrics: all.Health, Calls: all.Calls, Log: slog.New(slog.NewTextHandler(&m.text, nil))})
	return m
}

// look has processes look, one after the other.
func look(members ...*member) {
	for _, m := range members {
		m.t.Helper()
		if err := m.Look(m.t.Context()); err != nil {
			m.t.Error(err)
		}
	}
}

// sees checks which others live for a process.
func (m *member) sees(want string) {
	m.t.Helper()
	var names []string
	for _, p := range m.live() {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != want {
		m.t.Errorf("%s sees %q, want %q", m.Self.Name, got, want)
	}
}

// stored checks of how many processes there is a record, and of how many a name.
func stored(t *testing.T, s store, want ...string) {
	t.Helper()
	index, err := s.Load(t.Context(), 0, [][]byte{s.Keys().AppendProcessesKey(nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(index[0])); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the index has %q, want %q", got, want)
	}
	for _, name := range []string{"a", "b", "c"} {
		values, err := s.Load(t.Context(), 0, [][]byte{s.Keys().AppendProcessKey(nil, name)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if is := values[0] != nil; is != strings.Contains(" "+strings.Join(want, " ")+" ", " "+name+" ") {
			t.Errorf("record of %s: %v", name, is)
		}
	}
}

// TestSees: processes see each other once each has had a beat, until one leaves.
func TestSees(t *testing.T) {
	s := windowstore.NewMem(1)
	a, b, c := newMember(t, s, "a"), newMember(t, s, "b"), newMember(t, s, "c")
	look(a, b)
	a.sees("")
	b.sees("") // a's record may be that of one who was killed
	look(a, b)
	a.sees("")
	b.sees("a")
	look(c, a, b)
	a.sees("b")
	b.sees("a")
	look(a, b, c, a)
	a.sees("b c")
	c.sees("a b")
	stored(t, s, "a", "b", "c")
	if p := a.live()[0]; p.Host != "host-b" || p.Client != "aggregator" || p.Version != "v1" || p.Written.IsZero() {
		t.Errorf("a sees %+v", p)
	}
	if err := b.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored(t, s, "a", "c")
	look(a)
	a.sees("c")
	for _, m := range []*member{a, c} {
		if err := m.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stored(t, s)
	look(b)
	stored(t, s, "b")
}

// TestKilled: who has no beat any more does not live, and its record is deleted later. If it was only paused, it comes back.
func TestKilled(t *testing.T) {
	s := windowstore.NewMem(1)
	a, b := newMember(t, s, "a"), newMember(t, s, "b")
	look(a, b, a, b, a)
	for range liveLooks - 1 {
		look(a)
	}
	a.sees("b")
	look(a)
	a.sees("")
	for range goneLooks - liveLooks - 1 {
		look(a)
	}
	stored(t, s, "a", "b")
	look(a)
	stored(t, s, "a")
	look(b)
	stored(t, s, "a", "b")
	look(a, b, a)
	a.sees("b")
}

// TestAway: a look that the store does not answer says nothing of anybody.
func TestAway(t *testing.T) {
	s := &flaky{Store: windowstore.NewMem(1)}
	a, b := newMember(t, s, "a"), newMember(t, s, "b")
	look(a, b, a, b, a)
	s.down = true
	for range goneLooks {
		if err := a.Look(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("error %v", err)
		}
	}
	a.turn(t.Context())
	var counted float64
	for _, m := range metricstest.All(t, a.registry, "aggregator_store_errors_total") {
		counted += m.GetCounter().GetValue()
	}
	if counted != 1 {
		t.Errorf("%v errors counted, want that of the turn", counted)
	}
	s.down = false
	look(a)
	a.sees("b")
}

// TestStoreWentBack: a record that is older than the one seen is no beat, and a store that lost everything gets the records again.
func TestStoreWentBack(t *testing.T) {
	s := windowstore.NewMem(1)
	a, b := newMember(t, s, "a"), newMember(t, s, "b")
	look(a, b)
	key := [][]byte{s.Keys().AppendProcessKey(nil, "b")}
	old, err := s.Load(t.Context(), 0, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	look(a, b, a)
	a.sees("b")
	if err := s.Put(t.Context(), 0, key[0], old[0]); err != nil {
		t.Fatal(err)
	}
	look(a)
	a.sees("")
	look(b, a)
	a.sees("b")
	for _, k := range [][]byte{key[0], s.Keys().AppendProcessKey(nil, "a"), s.Keys().AppendProcessesKey(nil)} {
		if err := s.Delete(t.Context(), 0, k); err != nil {
			t.Fatal(err)
		}
	}
	look(a, b)
	stored(t, s, "a", "b")
}

// TestLater: of a later version what is known is read. A record of another form is passed over, and nothing is lost of it.
func TestLater(t *testing.T) {
	s := windowstore.NewMem(1)
	put := func(name, text string) {
		t.Helper()
		if err := s.Put(t.Context(), 0, s.Keys().AppendProcessKey(nil, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put(t.Context(), 0, s.Keys().AppendProcessesKey(nil), []byte("b\nc")); err != nil {
		t.Fatal(err)
	}
	a := newMember(t, s, "a")
	for beat := range 2 {
		put("b", fmt.Sprintf(`{"form":1,"beat":%d,"host":"h","packs":[{"pack":"p","hash":"1","more":1}],"events":{"matched":3}}`, beat+1))
		put("c", fmt.Sprintf(`{"form":2,"beat":%d}`, beat+1))
		look(a)
	}
	a.sees("b")
	if p := a.live()[0]; p.Host != "h" || len(p.Packs) != 1 {
		t.Errorf("a sees %+v", p)
	}
}

// TestFull: at the bound a process is not seen, and sees the others.
func TestFull(t *testing.T) {
	s := windowstore.NewMem(1)
	var names []string
	for i := range mostProcesses {
		names = append(names, fmt.Sprint("x", i))
	}
	if err := s.Put(t.Context(), 0, s.Keys().AppendProcessesKey(nil), encodeIndex(names)); err != nil {
		t.Fatal(err)
	}
	a := newMember(t, s, "a")
	look(a)
	if len(a.seen) != mostProcesses {
		t.Errorf("%d seen", len(a.seen))
	}
	stored(t, s, names...)
	for range goneLooks {
		look(a) // there is no record of any
	}
	look(a)
	stored(t, s, "a")
}

// TestRun: it looks at once and every few seconds, and leaves in the end.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := windowstore.NewMem(1)
		a, b := newMember(t, s, "a", "1"), newMember(t, s, "b", "2")
		b.Self.PID = 42
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); a.Run(ctx) }()
		<-time.After(lookEvery / 2) // so that it is known who looks first
		go b.Run(t.Context())
		<-time.After(2*lookEvery + time.Second)
		synctest.Wait()
		if got, want := a.Packs(), `p0 1; other processes have others: "aggregator" at host-b (pid 42) with p0 2`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		cancel()
		<-done
		stored(t, s, "b")
		<-time.After(lookEvery)
		synctest.Wait()
		if got := b.Packs(); got != "p0 2" {
			t.Errorf("got %s", got)
		}
	})
}

// TestPacks: that processes have different packs is logged when it begins, changes and ends, and is in the metric all the time.
func TestPacks(t *testing.T) {
	s := windowstore.NewMem(1)
	const long = "0123456789abcdef"
	a := newMember(t, s, "a", long, "2")
	f := func(differ float64, want ...string) {
		t.Helper()
		if got := metricstest.Series(t, a.registry, "aggregator_rules_differ", "").GetGauge().GetValue(); got != differ {
			t.Errorf("%v differ, want %v", got, differ)
		}
		got := strings.Split(strings.TrimSpace(a.text.String()), "\n")
		if a.text.Len() == 0 {
			got = nil
		}
		a.text.Reset()
		if len(got) != len(want) {
			t.Fatalf("the log is %q", got)
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("the log has %s, want %s", got[i], want[i])
			}
		}
	}
	live := func(members ...*member) {
		for range 3 {
			look(members...)
			look(a)
		}
	}
	same, other, third := newMember(t, s, "b", long, "2"), newMember(t, s, "c", long+"0", "2"), newMember(t, s, "d", long+"0", "2")
	live(same)
	f(0)
	live(same, other)
	f(1, `level=WARN msg="processes have different packs: each decides by its own" packs="p0 0123456789ab, p1 2" others="\"aggregator\" at host-c with p0 0123456789ab, p1 2"`)
	live(same, other, third) // the same packs again
	f(1)
	for _, m := range []*member{other, third} {
		if err := m.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	live(same)
	f(0, `level=INFO msg="processes have the same packs again"`)
	few := newMember(t, s, "e", long)
	live(same, few)
	f(1, "others=")
}

// TestShown: of many processes the first are named.
func TestShown(t *testing.T) {
	list := make([]Process, 7)
	if got := shown(list); strings.Count(got, " at ") != 5 || !strings.HasSuffix(got, "; and 2 more") {
		t.Errorf("got %s", got)
	}
}
