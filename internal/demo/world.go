package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/event"
)

// world is what happens in the demo: incidents that begin, spread and fade. Its time
// passes with its events, not with the clock: the same seed gives the same story, however fast it is told.
type world struct {
	rnd  *rand.Rand
	pace time.Duration // from one event to the next

	mu      sync.Mutex // guards what follows, for those who only look
	now     time.Time
	live    []*incident
	ended   []*incident
	made    int
	nextAt  time.Time
	events  int
	actors  map[string]bool // of all incidents, those that ended too
	history [][2][]byte     // keys and values sent lately, to be repeated
	at      int             // place of the next one in history
}

// incident is one story of the world.
type incident struct {
	id       string
	plot     *plot
	born     time.Time
	ended    time.Time
	accounts []string // that act in it and are subjects themselves
	regulars []string // readers who come back
	contents int
	leaked   int64 // records, so far
	class    int   // of the data leaked
}

// plot is a kind of incident.
type plot struct {
	name string
	peak float64       // its share of all events at the height, beside the others'
	rise time.Duration // from the beginning to the height
	acts []act
}

// act is a kind of event of a plot.
type act struct {
	weight float64
	fill   func(w *world, i *incident, e *event.Event)
}

const (
	mostLive = 12
	// incidentEvery is the mean time between the beginnings of two incidents.
	incidentEvery = 6 * time.Second
	// fades is how many rises an incident lasts.
	fades = 7
)

// newWorld begins with an incident at its height, so that there is something to see at once, and a leak. It has rate events a second.
func newWorld(seed uint64, now time.Time, rate int) *world {
	w := &world{rnd: rand.New(rand.NewPCG(seed, 0)), now: now, pace: time.Second / time.Duration(rate), nextAt: now.Add(incidentEvery / 2), actors: map[string]bool{}}
	for _, p := range []*plot{&plots[0], &plots[2], &plots[1], &plots[3]} {
		w.begin(p, now.Add(-p.rise))
	}
	return w
}

func (w *world) begin(p *plot, at time.Time) {
	w.made++
	i := &incident{id: fmt.Sprintf("inc-%s-%04d", p.name, w.made), plot: p, born: at, class: w.rnd.IntN(len(leaks))}
	for range 3 + w.rnd.IntN(4) {
		i.accounts = append(i.accounts, w.newActor())
	}
	for range 600 {
		i.regulars = append(i.regulars, w.account())
	}
	w.live = append(w.live, i)
}

// newActor is an account that acted in no incident before: no account is fed by two.
func (w *world) newActor() string {
	for {
		if a := w.account(); !w.actors[a] {
			w.actors[a] = true
			return a
		}
	}
}

// account is one of five million.
func (w *world) account() string { return fmt.Sprintf("u-%07d", w.rnd.IntN(5_000_000)) }

// move lets time pass: incidents end and begin. The caller holds w.mu, if the world is shared.
func (w *world) move(now time.Time) {
	w.now = now
	kept := w.live[:0]
	for _, i := range w.live {
		if now.Sub(i.born) > fades*i.plot.rise {
			i.ended, i.regulars = now, nil
			w.ended = append(w.ended, i)
			continue
		}
		kept = append(kept, i)
	}
	w.live = kept
	if len(w.live) == 0 || now.After(w.nextAt) && len(w.live) < mostLive {
		w.begin(w.pickPlot(), now)
		w.nextAt = now.Add(time.Duration(w.rnd.ExpFloat64() * float64(incidentEvery)))
	}
}

// pickPlot is a quiet incident half of the time.
func (w *world) pickPlot() *plot {
	if w.rnd.IntN(2) == 0 {
		return &plots[1]
	}
	return &plots[w.rnd.IntN(len(plots))]
}

// weight is how much of the world's attention an incident has: it rises, and
// fades away slowly.
func (i *incident) weight(now time.Time) float64 {
	x := max(0.05, float64(now.Sub(i.born))/float64(i.plot.rise))
	return i.plot.peak * x * math.Exp(1-x)
}

// pick is an incident, by weight.
func (w *world) pick() *incident {
	total := 0.0
	for _, i := range w.live {
		total += i.weight(w.now)
	}
	left := w.rnd.Float64() * total
	for _, i := range w.live {
		if left -= i.weight(w.now); left < 0 {
			return i
		}
	}
	return w.live[len(w.live)-1]
}

// subjects are those of the incidents that live: their ids, and the ids of
// the accounts that act in them.
func (w *world) subjects() (incidents, accounts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range w.live {
		incidents = append(incidents, i.id)
		accounts = append(accounts, i.accounts...)
	}
	return incidents, accounts
}

// forget takes out the incidents that ended so long ago, for their counts to be
// dropped.
func (w *world) forget(age time.Duration) []*incident {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < len(w.ended) && w.now.Sub(w.ended[n].ended) > age {
		n++
	}
	gone := w.ended[:n]
	w.ended = append([]*incident(nil), w.ended[n:]...)
	return gone
}
