//go:build linux

package bench

import (
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/chart"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

var outage = flag.Duration("outage", time.Minute, "how long the program is away before BenchmarkLatency lets it catch up; events come at half the full rate")

// shares of the full rate at which delays are measured, in per cent.
var shares = []int{10, 50, 90}

// BenchmarkLatency sends events at even rates while the program runs. It shows how long after the
// moment at which an event was due its crossing was seen by a consumer of the topic. Then the
// program is away for a while, and has to catch up.
func BenchmarkLatency(b *testing.B) {
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	load := usual(*points)
	load.name, load.even.Marks = "latency", 500
	for b.Loop() {
		full := x.fullRate(load)
		r := x.paced(load)
		c := &chart.Chart{
			Title: "Time from an event to its crossing seen, by load", X: "% of the full rate", Y: "ms",
			Lines: []string{"p50", "p99"}, Names: []string{"% of the full rate", "events/s", "p50", "p99", "max", "crossings"},
		}
		for _, share := range shares {
			list := r.phase(full * float64(share) / 100)
			printf("at %d %% of the full rate: %v", share, list)
			b.ReportMetric(milliseconds(list.quantile(0.99)), fmt.Sprintf("p99-ms-at-%d%%", share))
			c.Rows = append(c.Rows, list.row(share, full*float64(share)/100))
		}
		writeChart(b, "latency", c)
		r.catchUp(full / 2)
		r.end()
	}
	printf("load average after: %s", loadAverage())
}

// fullRate is how many events a second the program takes, of a backlog or from a sender that shares
// the machine with it, whichever is less.
func (x *fixture) fullRate(load curvePoint) float64 {
	backlog := x.measure(load).rate
	load.live = true
	live := x.measure(load).rate
	full := min(backlog, live)
	printf("a backlog is taken at %.0f events/s, from a sender beside it at %.0f/s; the full rate is %.0f/s", backlog, live, full)
	return full
}

// paced is a program that is fed at an even rate.
type paced struct {
	*run
	feed     *feed
	consumer *consumer
	program  *program
}

// paced starts a program that has counted the fill of a load and waits for more.
func (x *fixture) paced(load curvePoint) *paced {
	load = load.withDefaults()
	r := &paced{feed: x.feed(load.even, 2*time.Millisecond)}
	r.run = x.newRun(load.pack.job(x.b), r.feed.topic)
	r.consumer = consume(x.b, x.kafka, r.crossings)
	r.feed.send(load.fill, time.Now().Add(-fillSpan), fillSpan-time.Minute)
	r.program = startProgram(x.b, r.config())
	r.awaitCommitted(r.feed.ends)
	return r
}

// phase sends at an even rate for a time, and returns the delays of that.
func (r *paced) phase(perSecond float64) delays {
	from := time.Now().Truncate(time.Microsecond) // as events tell it
	count := int(perSecond * length.Seconds())
	latest := r.feed.pace(r.b.Context(), from, perSecond, func(sent int) bool { return sent >= count })
	until := time.Now()
	r.feed.flush()
	r.consumer.awaitAll(r.b, r.feed.even.Marks())
	printf("%d events at %.0f/s; the sender was at most %v late, which is part of the delays", count, perSecond, rounded(latest))
	return r.consumer.delays(r.b, from, until)
}

// catchUp stops the program, sends on at an even rate, starts it again after the outage
// and waits until crossings are on time.
func (r *paced) catchUp(perSecond float64) {
	r.program.stop(r.b)
	from := time.Now().Truncate(time.Microsecond)
	stop, over := r.sendOn(from, perSecond)
	defer stop()
	servers.Await(r.b, waitLimit+*outage, 5*time.Millisecond, "the outage to be over", over.Load)
	started := time.Now()
	r.program = startProgram(r.b, r.config())
	ready := time.Since(started)
	servers.Await(r.b, waitLimit+2**outage, time.Second, "the program to catch up", func() bool { return r.onTime(started) })
	stop()
	r.feed.flush()
	r.consumer.awaitAll(r.b, r.feed.even.Marks())
	caught, late := r.lastLate().Sub(started), r.consumer.delays(r.b, from, started)
	printf("after %v without the program at %.0f events/s: ready %v after its start, crossings on time again %v after it; of the outage %v",
		rounded(started.Sub(from)), perSecond, rounded(ready), rounded(caught), late)
	r.b.(*testing.B).ReportMetric(caught.Seconds(), "catch-up-s")
}

// sendOn sends events at an even rate until it is stopped. Over is true when those of the outage are sent.
func (r *paced) sendOn(from time.Time, perSecond float64) (stop func(), over *atomic.Bool) {
	var enough atomic.Bool
	over = &atomic.Bool{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.feed.pace(r.b.Context(), from, perSecond, func(sent int) bool {
			if float64(sent) >= perSecond*outage.Seconds() {
				over.Store(true)
			}
			return enough.Load()
		})
	}()
	return sync.OnceFunc(func() { enough.Store(true); <-ended }), over
}

// overdue is the delay from which on a crossing does not count as on time.
const overdue = time.Second

// lastLate is when the last crossing was seen that was not on time.
func (r *paced) lastLate() (last time.Time) {
	for _, s := range r.consumer.all(r.b) {
		if s.delay() > overdue && s.at.After(last) {
			last = s.at
		}
	}
	return last
}

// onTime reports whether all crossings of the last two seconds were on time, and some of them since a moment.
func (r *paced) onTime(since time.Time) bool {
	late := r.lastLate()
	for _, s := range r.consumer.all(r.b) {
		if s.Time.After(since) && s.Time.After(late.Add(2*time.Second)) {
			return true
		}
	}
	return false
}

// end stops everything, and checks that all was counted.
func (r *paced) end() {
	r.awaitCommitted(r.feed.ends)
	r.program.stop(r.b)
	r.redis.stop()
	r.kafka.DeleteTopic(r.topic)
}

func (d delays) row(share int, perSecond float64) []string {
	row := []string{fmt.Sprint(share), fmt.Sprintf("%.0f", perSecond)}
	for _, q := range []float64{0.5, 0.99, 1} {
		row = append(row, fmt.Sprintf("%.1f", milliseconds(d.quantile(q))))
	}
	return append(row, fmt.Sprint(len(d)))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
