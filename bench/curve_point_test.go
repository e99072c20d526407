//go:build linux

package bench

import (
	"cmp"
	"syscall"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

// marksEvery is which of the events measured is a mark.
const marksEvery = 1_000

// curvePoint is a point of a curve: what is sent, and what counts it. A zero field has its default.
type curvePoint struct {
	name      string // on the x axis
	even      gen.EvenConfig
	fill      int // events at first, which are not measured; by default none
	events    int // that are measured, after those
	pack      packOptions
	span      time.Duration // of the events measured; default 3 h
	nodes     int           // of Redis; default 1
	shards    int           // default 16
	processes int           // default 1
	live      bool          // events are sent while the processes run, not before
	sliding   bool          // the window is shorter than what is sent: counts at the end are not what was sent
}

func (p curvePoint) withDefaults() curvePoint {
	p.even.Seed, p.even.Partitions, p.even.Marks = 42, max(p.even.Partitions, 1), cmp.Or(p.even.Marks, marksEvery)
	p.nodes, p.shards, p.processes = cmp.Or(p.nodes, 1), cmp.Or(p.shards, stream.DefaultShards), cmp.Or(p.processes, 1)
	p.span = cmp.Or(p.span, 3*time.Hour)
	return p
}

// fillSpan is what the fill covers. Of so long a time hardly any ids are remembered.
const fillSpan = 30 * time.Hour

// measurement is a point under way.
type measurement struct {
	curvePoint
	*run
	feed     *feed
	programs []*program
	from     usage // when the fill was stored
	running  usage // the last look before all was counted
	counted  usage // the first one after that
	until    usage // when all was stored
}

// usage is what a run has used at a moment.
type usage struct {
	at      time.Time
	events  float64 // counted, by all processes
	program float64 // CPU s
	redis   time.Duration
	kafka   time.Duration
	keys    float64 // written
	commits float64
	mallocs float64
}

// measure lets the program take what a point sends, and returns what that cost
// once the fill was stored.
func (x *fixture) measure(p curvePoint) figures {
	p = p.withDefaults()
	m := &measurement{curvePoint: p, feed: x.feed(p.even, 50*time.Millisecond)}
	m.run = x.newRunOn(x.deploy(p.nodes), p.shards, p.pack.job(x.b), m.feed.topic)
	m.startAll()
	m.feed.send(p.fill, backlogEnd.Add(-p.span-fillSpan), fillSpan)
	m.awaitCommitted(m.feed.ends)
	m.from = m.usageNow()
	m.sendMeasured()
	m.running, m.counted = m.awaitCounted(m.from.events + float64(p.events))
	return m.finish()
}

// sendMeasured sends what is measured. Except for a live point, the processes are
// stopped meanwhile, and find a backlog.
func (m *measurement) sendMeasured() {
	if !m.live {
		m.signalAll(syscall.SIGSTOP)
	}
	m.feed.send(m.events, backlogEnd.Add(-m.span), m.span)
	if !m.live {
		m.from.at = time.Now()
		m.signalAll(syscall.SIGCONT)
	}
}

func (m *measurement) signalAll(s syscall.Signal) {
	for _, p := range m.programs {
		p.Signal(s)
	}
}

// startAll starts the processes, and with several waits until each has its part of the partitions.
func (m *measurement) startAll() {
	for range m.processes {
		m.programs = append(m.programs, startProgram(m.b, m.config()))
	}
	if m.processes == 1 {
		return
	}
	await(m.b, "each process to have partitions", 50*time.Millisecond, func() bool {
		held := 0
		for _, p := range m.programs {
			n := p.metrics(m.b).Series("aggregator_lag_records")
			if n == 0 {
				return false
			}
			held += n
		}
		return held == m.even.Partitions
	})
}

// awaitCounted waits until the processes together have counted so many events. It returns the last
// look before that, and the first after it.
func (m *measurement) awaitCounted(events float64) (before, after usage) {
	after = m.from
	servers.Await(m.b, readLimit(int64(events)), 100*time.Millisecond, "the events to be counted", func() bool {
		before, after = after, m.usageNow()
		return after.events >= events
	})
	return before, after
}

func (m *measurement) usageNow() usage {
	u := usage{redis: m.redis.cpu(), kafka: m.kafka.Broker(0).CPU()}
	for _, p := range m.programs {
		read := p.metrics(m.b)
		commits, _ := read.Histogram("aggregator_commit_seconds")
		_, keys := read.Histogram("aggregator_commit_keys")
		u.events += read.Sum("aggregator_events_total")
		u.program += read.Sum("process_cpu_seconds_total")
		u.mallocs += read.Sum("go_memstats_mallocs_total")
		u.commits += commits
		u.keys += keys
	}
	u.at = time.Now() // a process that is busy answers late
	return u
}

// finish waits until all is stored, and ends the run.
func (m *measurement) finish() figures {
	m.awaitCommitted(m.feed.ends)
	m.until = m.usageNow()
	var f figures
	f.between(m.from, m.until)
	f.rate = m.rate()
	for _, p := range m.programs {
		f.peak += peak(m.b, p.Program)
	}
	m.checkEvents()
	for _, p := range m.programs {
		p.stop(m.b)
	}
	m.size(&f)
	m.checkStored(&f)
	m.redis.stop()
	m.kafka.DeleteTopic(m.topic)
	return f
}

// rate is events a second up to the last look before all was counted: the next one may be much later than that was.
func (m *measurement) rate() float64 {
	last := m.running
	if last.events-m.from.events < float64(m.events)/2 {
		last = m.counted
	}
	return (last.events - m.from.events) / last.at.Sub(m.from.at).Seconds()
}

// between is the cost of what was counted between two moments.
func (f *figures) between(from, until usage) {
	events := until.events - from.events
	million := events / 1e6
	f.program = (until.program - from.program) / million
	f.redis = (until.redis - from.redis).Seconds() / million
	f.kafka = (until.kafka - from.kafka).Seconds() / million
	f.keys = (until.keys - from.keys) / events
	f.allocations = (until.mallocs - from.mallocs) / events
	f.commits = until.commits - from.commits
}

// checkEvents compares the events that the processes counted with those that were sent: all are good ones.
func (m *measurement) checkEvents() {
	var counted, matched, late float64
	for _, p := range m.programs {
		read := p.metrics(m.b)
		counted += read.Sum("aggregator_events_total")
		matched += read.Sum("aggregator_events_total", `result="matched"`)
		late += read.Sum("aggregator_late_total")
	}
	sent := float64(m.fill + m.events)
	if counted != matched || matched != sent && m.processes == 1 {
		m.b.Errorf("%s: %v events matched of %v counted, %v were sent, all to match", m.name, matched, counted, sent)
	}
	if matched != sent {
		printf("%s: %v events were counted, of %v sent: some twice, since partitions changed hands", m.name, matched, sent)
	}
	if want := float64(m.lateEvents()); late != want && m.processes == 1 {
		m.b.Errorf("%s: %v events are late, want %v", m.name, late, want)
	}
}

// lateEvents is how many of the events are late: all but the marks, if any is.
func (m *measurement) lateEvents() int {
	if m.even.Delay == 0 {
		return 0
	}
	return m.events - m.feed.even.Marks()
}

// checkStored compares what is in Redis and in the topic of crossings with what was sent.
func (m *measurement) checkStored(f *figures) {
	marks, crossings := m.feed.even.Marks(), m.feed.even.Marks()
	if m.pack.clicks > 0 || m.even.Members >= accountLimit {
		crossings += m.even.Subjects // each once
	}
	if f.crossings != float64(crossings) {
		m.b.Errorf("%s: %v crossings, want %d", m.name, f.crossings, crossings)
	}
	if want := float64(m.even.Subjects + marks); f.subjects != want {
		m.b.Errorf("%s: %v subjects in Redis, want %v", m.name, f.subjects, want)
	}
	if m.sliding || m.even.Subjects > accountLimit { // so many are not read again
		return
	}
	clicks := float64(m.fill + m.events - marks - m.lateEvents())
	if got := m.sumOf(open(m.b, m.redis.addrs()...), "rule-1", "clicks"); got != clicks {
		m.b.Errorf("%s: Redis has %v clicks, %v were sent", m.name, got, clicks)
	}
}
