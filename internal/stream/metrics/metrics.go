package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// Metrics is what the service counts about itself. No subject is ever in a
// label. All series with known labels exist from the start, at 0. Fields are exported for tests, and for the watchdog.
type Metrics struct {
	Events      [engine.NumVerdicts]prometheus.Counter
	dead        *prometheus.CounterVec
	late        [thresholds.NumKinds]prometheus.Counter
	refused     [thresholds.NumKinds]prometheus.Counter
	crossings   *prometheus.CounterVec
	lag         *prometheus.GaugeVec
	lagSeconds  *prometheus.GaugeVec
	held        *prometheus.GaugeVec
	commits     prometheus.Histogram
	commitKeys  prometheus.Histogram
	storeCalls  *prometheus.HistogramVec
	StoreErrors *prometheus.CounterVec
	conflicts   prometheus.Counter
	rewinds     prometheus.Counter
	losses      prometheus.Counter
	rollbacks   prometheus.Counter
	Gone        prometheus.Counter
	Holes       prometheus.Counter
	Surplus     prometheus.Counter
	Depth       *prometheus.GaugeVec
	Age         *prometheus.GaugeVec
	outboxBad   prometheus.Counter
	skipped     prometheus.Counter
	delivery    prometheus.Histogram
	Forgot      prometheus.Counter
	capped      prometheus.Counter
	cached      prometheus.Gauge
	Evicted     prometheus.Counter
	ids         *prometheus.GaugeVec
	shortened   prometheus.Counter
	waits       prometheus.Counter
	Stalled     *prometheus.GaugeVec
	Unfit       prometheus.Gauge
	strangers   prometheus.Gauge
	faults      [NumFaults]prometheus.Gauge
	newest      *prometheus.GaugeVec
	Made        [thresholds.NumKinds]prometheus.Counter
}

// New makes the metrics of a program and registers them.
func New(r prometheus.Registerer, p *engine.Program) *Metrics {
	f := factory{r}
	m := &Metrics{
		dead:        f.counters("dead_letters_total", "Records sent to the dead-letter topic, by reason.", "reason"),
		crossings:   f.counters("crossings_total", "Crossings published, by rule, level and status.", "rule", "level", "status"),
		lag:         f.gauges("lag_records", "Records of the partition up to the end of its log that were not counted and stored yet.", "topic", "partition"),
		lagSeconds:  f.gauges("lag_seconds", "Age of the newest record of the partition that was counted and stored, while there are more; before the first, the time since the process was given the partition.", "topic", "partition"),
		held:        f.gauges("held_back_records", "Records of the partition, of those in lag_records, that an open transaction holds back.", "topic", "partition"),
		commits:     f.histogram("commit_seconds", "Time that one commit to the store took, retries included.", prometheus.ExponentialBuckets(0.0005, 2, 15)),
		commitKeys:  f.histogram("commit_keys", "Keys written by one commit.", prometheus.ExponentialBuckets(1, 4, 7)),
		storeCalls:  f.histograms("store_seconds", "Time that one call of the store took, by operation.", prometheus.ExponentialBuckets(0.0005, 2, 15), "operation"),
		StoreErrors: f.counters("store_errors_total", "Failed calls of the store, by operation and kind of error.", "operation", "kind"),
		conflicts:   f.counter("store_conflicts_total", "Commits refused because another process had written a subject."),
		rewinds:     f.counter("fence_rewinds_total", "Times a shard went back to its fences."),
		losses:      f.counter("store_losses_total", "Times a partition's fences were missing though it had been counted: counted again from where counting began, or refused, as redis.lost says."),
		rollbacks:   f.counter("store_rollbacks_total", "Times a shard found a fence older than it had written, or gone: the store went back in time or lost its data."),
		Gone:        f.counter("store_records_gone_total", "Records that were gone from the store though their fences were there: counted anew."),
		Holes:       f.counter("log_holes_records_total", "Records that were deleted from the log before they were read, or passed over by -skip."),
		Surplus:     f.counter("records_passed_over_total", "Records of a batch that have the offset of another one, or stand behind its last: passed over, as other consumers do."),
		Depth:       f.gauges("outbox_entries", "Crossings of the shard that wait to be published.", "shard"),
		Age:         f.gauges("outbox_oldest_timestamp_seconds", "Kafka timestamp of the oldest event whose crossing waits; 0: none.", "shard"),
		outboxBad:   f.counter("outbox_damaged_total", "Outbox entries that were missing or damaged."),
		skipped:     f.counter("crossings_skipped_total", "Crossings not published again, as their id was in the topic."),
		delivery:    f.histogram("crossing_delay_seconds", "Time from the event's Kafka timestamp to its crossing acknowledged.", prometheus.ExponentialBuckets(0.005, 2, 16)),
		Forgot:      f.counter("subjects_forgotten_total", "Subjects deleted or shrunk after their windows had run empty."),
		capped:      f.counter("capped_total", "Operations on a counter that was at its cap."),
		cached:      f.gauge("cache_bytes", "Memory that subjects kept between batches take, about; at most cache_bytes of the config and what a batch adds."),
		Evicted:     f.counter("cache_evicted_total", "Subjects dropped from memory because cache_bytes was reached; they are read again from the store."),
		ids:         f.gauges("duplicate_ids", "Event ids remembered for the partition.", "topic", "partition"),
		shortened:   f.counter("duplicate_window_shortened_total", "Event ids forgotten early because dedupe.max_ids was reached."),
		waits:       f.counter("partition_wait_timeouts_total", "Times a partition that was ahead went on though the slowest made no progress for a minute."),
		newest:      f.gauges("event_timestamp_seconds", "Newest time of an event of the partition that matched a rule. Over those that are not silent, the smallest is the stream's time.", "topic", "partition"),
		Unfit:       f.gauge("store_unfit", "1: Redis is not fit to keep counts, as it may evict keys or is a replica; 0: it is."),
		strangers:   f.gauge("group_strangers", "Members of the Kafka group whose events are not counted here: other programs, and aggregators that count into another store."),
		Stalled:     f.gauges("stalled_seconds", "Since when a shard, a partition or a relay does nothing though it is at work; 0: it goes on.", "what", "topic", "partition", "shard"),
	}
	m.start(f, p)
	return m
}

// start makes the series whose labels are known.
func (m *Metrics) start(f factory, p *engine.Program) {
	events := f.counters("events_total", "Events read, by result.", "result")
	for v := range m.Events {
		m.Events[v] = events.WithLabelValues(engine.VerdictNames[v])
	}
	faults := f.gauges("fault_timestamp_seconds", "When the process last found a fault of this kind; 0: never.", "fault")
	for i := range m.faults {
		m.faults[i] = faults.WithLabelValues(faultNames[i])
	}
	made := f.counters("subjects_made_total", "Subjects written to the store for the first time, or again after they were forgotten, by kind.", "by")
	late := f.counters("late_total", "Operations too old for every counter of their subject, by kind of subject.", "by")
	refused := f.counters("after_refused_total", "Operations that an `after` condition kept out of a counter, by kind of subject.", "by")
	for k := range thresholds.NumKinds {
		m.late[k], m.refused[k], m.Made[k] = late.WithLabelValues(k.String()), refused.WithLabelValues(k.String()), made.WithLabelValues(k.String())
	}
	for _, operation := range []string{OperationLoad, OperationCommit, OperationFence} {
		m.storeCalls.WithLabelValues(operation)
	}
	for _, reason := range event.Reasons() {
		m.dead.WithLabelValues(reason)
	}
	info := f.gauges("rules_info", "The packs loaded: 1.", "pack", "hash")
	for _, pack := range p.Packs() {
		info.WithLabelValues(pack.Name, pack.Hash).Set(1)
		for _, r := range pack.Rules {
			for _, l := range r.Levels {
				m.crossings.WithLabelValues(r.ID, l.String(), "crossed")
			}
			if r.Clear > 0 {
				m.crossings.WithLabelValues(r.ID, "0", "cleared")
			}
		}
	}
}

// factory makes metrics and registers them.
type factory struct{ r prometheus.Registerer }

const namespace = "aggregator_"

func (f factory) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: namespace + name, Help: help})
	f.r.MustRegister(c)
	return c
}

func (f factory) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: namespace + name, Help: help})
	f.r.MustRegister(g)
	return g
}

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: namespace + name, Help: help}, labels)
	f.r.MustRegister(c)
	return c
}

func (f factory) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: namespace + name, Help: help}, labels)
	f.r.MustRegister(g)
	return g
}

func (f factory) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: namespace + name, Help: help, Buckets: buckets}, labels)
	f.r.MustRegister(h)
	return h
}

func (f factory) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: namespace + name, Help: help, Buckets: buckets})
	f.r.MustRegister(h)
	return h
}

// Event counts a record read, by what became of it.
func (m *Metrics) Event(v engine.Verdict) { m.Events[v].Inc() }

// DeadLetter counts a record sent to the dead-letter topic.
func (m *Metrics) DeadLetter(reason string) { m.dead.WithLabelValues(reason).Inc() }

// Conflict counts a commit that was refused since another process had written a subject.
func (m *Metrics) Conflict() { m.conflicts.Inc() }

// Rewind counts a shard that went back to its fences.
func (m *Metrics) Rewind() { m.rewinds.Inc() }

// PassedOver counts records that do not fit their batch.
func (m *Metrics) PassedOver(records int) { m.Surplus.Add(float64(records)) }

// RepeatSkipped counts a crossing that was in the topic already.
func (m *Metrics) RepeatSkipped() { m.skipped.Inc() }

// Forgotten counts subjects deleted or shrunk.
func (m *Metrics) Forgotten(n int) { m.Forgot.Add(float64(n)) }

// GaveUpWaiting counts a partition that went on though the slowest made no progress.
func (m *Metrics) GaveUpWaiting() { m.waits.Inc() }

// SubjectMade counts a subject written for the first time.
func (m *Metrics) SubjectMade(k thresholds.Kind) { m.Made[k].Inc() }

// CacheEvicted counts a subject dropped from memory.
func (m *Metrics) CacheEvicted() { m.Evicted.Inc() }

// CacheGrew notes by how many bytes subjects in memory grew.
func (m *Metrics) CacheGrew(bytes int) { m.cached.Add(float64(bytes)) }

// StrangersSeen notes how many members of the group are not of this deployment.
func (m *Metrics) StrangersSeen(n int) { m.strangers.Set(float64(n)) }

// Begin forgets what was noted of shards that are made again.
func (m *Metrics) Begin() {
	m.cached.Set(0)
	m.Stalled.Reset()
}

// The faults for which a metric says when they were last found. What is found at a start stands in a counter before Prometheus
// has seen that at 0, so no rate shows it. When it was found is seen whenever one looks.
const (
	faultLoss = iota
	faultRollback
	faultGone
	faultHole
	faultOutbox
	NumFaults
)

var faultNames = [NumFaults]string{
	faultLoss: "store-loss", faultRollback: "store-rollback", faultGone: "store-record-gone", faultHole: "log-hole", faultOutbox: "outbox-damaged",
}

// found counts what was found of a fault, and notes when that was.
func (m *Metrics) found(fault int, counter prometheus.Counter, n float64) {
	counter.Add(n)
	m.faults[fault].SetToCurrentTime()
}

// Lost notes that a partition's fences were missing.
func (m *Metrics) Lost() { m.found(faultLoss, m.losses, 1) }

// WentBack notes that a fence was older than written.
func (m *Metrics) WentBack() { m.found(faultRollback, m.rollbacks, 1) }

// RecordGone notes that a record was gone from the store.
func (m *Metrics) RecordGone() { m.found(faultGone, m.Gone, 1) }

// Hole notes records that were deleted from the log unread.
func (m *Metrics) Hole(records int64) { m.found(faultHole, m.Holes, float64(records)) }

// OutboxDamaged notes an outbox entry that was missing or damaged.
func (m *Metrics) OutboxDamaged() { m.found(faultOutbox, m.outboxBad, 1) }

// StoreUnfit notes whether the store is unfit to keep counts.
func (m *Metrics) StoreUnfit(is bool) {
	m.Unfit.Set(0)
	if is {
		m.Unfit.Set(1)
	}
}

// Operation counts what became of an operation.
func (m *Metrics) Operation(k thresholds.Kind, o engine.Outcome) {
	if o.Late {
		m.late[k].Inc()
	}
	if o.Refused {
		m.refused[k].Inc()
	}
	if o.Capped {
		m.capped.Inc()
	}
}

// The operations of the store that are timed.
const (
	OperationLoad   = "load"
	OperationCommit = "commit"
	OperationFence  = "fence" // made for a partition that is new to the store
)

// OperationOutbox is what relays do in the store. It waits for nobody, and is not timed.
const OperationOutbox = "outbox"

func (m *Metrics) storeCall(operation string, d time.Duration) {
	m.storeCalls.WithLabelValues(operation).Observe(d.Seconds())
}

// StoreError counts a failed call of the store.
func (m *Metrics) StoreError(operation string, err error) {
	m.StoreErrors.WithLabelValues(operation, redisstore.ErrorKind(err)).Inc()
}

// Commit notes a commit: how long it took, and its keys.
func (m *Metrics) Commit(d time.Duration, c *windowstore.Commit) {
	m.commits.Observe(d.Seconds())
	m.commitKeys.Observe(float64(len(c.Fences) + len(c.Records) + len(c.Puts)))
}

// Behind notes how far a partition lags: by the records up to the end of the log that are not counted and stored yet, and, if there
// are any, by the age of the newest record that is. Where none is yet, it is the time since its reading began, at given.
func (m *Metrics) Behind(at position.TopicPartition, behind, clock int64, given, now time.Time) {
	p := strconv.Itoa(at.Partition)
	m.lag.WithLabelValues(at.Topic, p).Set(float64(max(0, behind)))
	age := 0.0
	switch {
	case behind > 0 && clock != engine.NoTime:
		age = max(0, now.Sub(time.UnixMilli(clock)).Seconds())
	case behind > 0:
		age = now.Sub(given).Seconds()
	}
	m.lagSeconds.WithLabelValues(at.Topic, p).Set(age)
}

// HeldBack notes how many records of a partition an open transaction holds back.
func (m *Metrics) HeldBack(at position.TopicPartition, records int64) {
	m.held.WithLabelValues(at.Topic, strconv.Itoa(at.Partition)).Set(float64(records))
}

// Remembered notes the ids remembered for a partition, and how many were forgotten early.
func (m *Metrics) Remembered(at position.TopicPartition, ids int, shortened uint64) {
	m.ids.WithLabelValues(at.Topic, strconv.Itoa(at.Partition)).Set(float64(ids))
	m.shortened.Add(float64(shortened))
}

// Reached notes the newest time matched of a partition, ns.
func (m *Metrics) Reached(at position.TopicPartition, newest int64) {
	if newest != engine.NoTime {
		m.newest.WithLabelValues(at.Topic, strconv.Itoa(at.Partition)).Set(float64(newest) / 1e9)
	}
}

// Drop forgets the series of a partition that is given up.
func (m *Metrics) Drop(at position.TopicPartition) {
	p := strconv.Itoa(at.Partition)
	m.lag.DeleteLabelValues(at.Topic, p)
	m.lagSeconds.DeleteLabelValues(at.Topic, p)
	m.held.DeleteLabelValues(at.Topic, p)
	m.ids.DeleteLabelValues(at.Topic, p)
	m.newest.DeleteLabelValues(at.Topic, p)
}

// Outbox notes how many entries wait, and the Kafka timestamp of the oldest, ms.
func (m *Metrics) Outbox(shard int, entries uint64, oldest int64) {
	s := strconv.Itoa(shard)
	m.Depth.WithLabelValues(s).Set(float64(entries))
	m.Age.WithLabelValues(s).Set(float64(oldest) / 1000)
}

// DropOutbox forgets the series of an outbox that another process publishes from now on.
func (m *Metrics) DropOutbox(shard int) {
	s := strconv.Itoa(shard)
	m.Depth.DeleteLabelValues(s)
	m.Age.DeleteLabelValues(s)
}

// Crossing is what the metrics tell of a crossing.
type Crossing struct {
	Rule, Level, Status string
	Partition           int // of its evidence
	Offset              int64
	Delay               int64 // from its event's Kafka timestamp, ms
}

// Crossing notes a crossing that was published. The exemplar leads to the event that crossed; its
// labels, with a rule's name of at most 64 letters, fit the 128 that an exemplar may have.
func (m *Metrics) Crossing(c Crossing) {
	m.crossings.WithLabelValues(c.Rule, c.Level, c.Status).Inc()
	if c.Status != "crossed" {
		return
	}
	m.delivery.(prometheus.ExemplarObserver).ObserveWithExemplar(float64(c.Delay)/1000, prometheus.Labels{
		"rule": c.Rule, "partition": strconv.Itoa(c.Partition), "offset": strconv.FormatInt(c.Offset, 10),
	})
}
