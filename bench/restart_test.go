//go:build linux

package bench

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/chart"
)

var kept = flag.Int("kept", 200_000, "the most subjects in Redis when BenchmarkRestart starts the program again")

// BenchmarkRestart fills Redis with subjects, a hundredth of -kept at first, then a
// tenth, then all of them. Each time it stops the program, sends an event, and
// shows how long after its start the program has counted and announced it.
func BenchmarkRestart(b *testing.B) {
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	for b.Loop() {
		c := &chart.Chart{
			Title: "Time from start to the first event, by subjects in Redis", X: "subjects in Redis", Y: "seconds",
			Lines: []string{"ready", "counted", "crossing seen"},
			Names: []string{"subjects in Redis", "ready", "counted", "crossing seen", "peak MiB", "Redis MiB"},
		}
		for _, part := range []int{100, 10, 1} {
			found := x.restarts(max(1, *kept/part))
			printf("%v", &found)
			b.ReportMetric(found.counted.Seconds(), fmt.Sprintf("s-at-%d", found.subjects))
			c.Rows = append(c.Rows, found.row())
		}
		writeChart(b, "restart", c)
	}
}

// restart is what a program took that found subjects in Redis, and an event in the topic.
type restart struct {
	subjects                int
	ready, counted, crossed time.Duration // since the start of the process
	peak, stored            float64       // bytes: resident at most; in Redis
}

// restarts takes the middle one of several.
func (x *fixture) restarts(subjects int) restart {
	load := usual(0).over(subjects, 1)
	load.even.Marks = 1
	r := x.paced(load)
	var all []restart
	for range *runs {
		r.program.stop(x.b)
		all = append(all, r.restart())
	}
	r.end()
	slices.SortFunc(all, func(a, b restart) int { return cmp.Compare(a.counted, b.counted) })
	found := all[len(all)/2]
	found.subjects = subjects
	return found
}

// restart sends a mark and starts the program.
func (r *paced) restart() restart {
	var found restart
	r.feed.send(1, time.Now(), 0)
	began := time.Now()
	r.program = startProgram(r.b, r.config())
	found.ready = time.Since(began)
	await(r.b, "the event to be counted", 5*time.Millisecond, func() bool {
		return r.program.metrics(r.b).Sum("aggregator_events_total") == 1
	})
	found.counted = time.Since(began)
	r.consumer.awaitAll(r.b, r.feed.even.Marks())
	seen := r.consumer.all(r.b)
	found.crossed = seen[len(seen)-1].at.Sub(began)
	found.peak, found.stored = peak(r.b, r.program.Program), r.redis.number("memory", "used_memory")-r.before
	r.awaitCommitted(r.feed.ends)
	return found
}

func (f *restart) String() string {
	return fmt.Sprintf("%d subjects, %.0f MiB in Redis: ready %.2f s after the start, the event counted after %.2f s, its crossing seen after %.2f s; at most %.0f MiB resident",
		f.subjects, f.stored/(1<<20), f.ready.Seconds(), f.counted.Seconds(), f.crossed.Seconds(), f.peak/(1<<20))
}

func (f *restart) row() []string {
	row := []string{fmt.Sprint(f.subjects)}
	for _, d := range []time.Duration{f.ready, f.counted, f.crossed} {
		row = append(row, fmt.Sprintf("%.3f", d.Seconds()))
	}
	return append(row, fmt.Sprintf("%.0f", f.peak/(1<<20)), fmt.Sprintf("%.1f", f.stored/(1<<20)))
}
