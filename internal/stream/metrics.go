package stream

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// Metrics is what the service counts about itself. No subject is ever in a
// label. All series with known labels exist from the start, at 0.
type Metrics struct {
	events      [numVerdicts]prometheus.Counter
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
	storeErrors *prometheus.CounterVec
	conflicts   prometheus.Counter
	rewinds     prometheus.Counter
	losses      prometheus.Counter
	rollbacks   prometheus.Counter
	gone        prometheus.Counter
	holes       prometheus.Counter
	surplus     prometheus.Counter
	depth       *prometheus.GaugeVec
	age         *prometheus.GaugeVec
	outboxBad   prometheus.Counter
	skipped     prometheus.Counter
	delivery    prometheus.Histogram
	forgot      prometheus.Counter
	capped      prometheus.Counter
	cached      prometheus.Gauge
	evicted     prometheus.Counter
	ids         *prometheus.GaugeVec
	shortened   prometheus.Counter
	waits       prometheus.Counter
	stalled     *prometheus.GaugeVec
	unfit       prometheus.Gauge
	strangers   prometheus.Gauge
	faults      [numFaults]prometheus.Gauge
	newest      *prometheus.GaugeVec
	made        [thresholds.NumKinds]prometheus.Counter
}

// NewMetrics makes the metrics of a program and registers them.
func NewMetrics(r prometheus.Registerer, p *Program) *Metrics {
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
		storeErrors: f.counters("store_errors_total", "Failed calls of the store, by operation and kind of error.", "operation", "kind"),
		conflicts:   f.counter("store_conflicts_total", "Commits refused because another process had written a subject."),
		rewinds:     f.counter("fence_rewinds_total", "Times a shard went back to its fences."),
		losses:      f.counter("store_losses_total", "Times a partition's fences were missing though it had been counted: counted again from where counting began, or refused, as redis.lost says."),
		rollbacks:   f.counter("store_rollbacks_total", "Times a shard found a fence older than it had written, or gone: the store went back in time or lost its data."),
		gone:        f.counter("store_records_gone_total", "Records that were gone from the store though their fences were there: counted anew."),
		holes:       f.counter("log_holes_records_total", "Records that were deleted from the log before they were read, or passed over by -skip."),
		surplus:     f.counter("records_passed_over_total", "Records of a batch that have the offset of another one, or stand behind its last: passed over, as other consumers do."),
		depth:       f.gauges("outbox_entries", "Crossings of the shard that wait to be published.", "shard"),
		age:         f.gauges("outbox_oldest_timestamp_seconds", "Kafka timestamp of the oldest event whose crossing waits; 0: none.", "shard"),
		outboxBad:   f.counter("outbox_damaged_total", "Outbox entries that were missing or damaged."),
		skipped:     f.counter("crossings_skipped_total", "Crossings not published again, as their id was in the topic."),
		delivery:    f.histogram("crossing_delay_seconds", "Time from the event's Kafka timestamp to its crossing acknowledged.", prometheus.ExponentialBuckets(0.005, 2, 16)),
		forgot:      f.counter("subjects_forgotten_total", "Subjects deleted or shrunk after their windows had run empty."),
		capped:      f.counter("capped_total", "Operations on a counter that was at its cap."),
		cached:      f.gauge("cache_bytes", "Memory that subjects kept between batches take, about; at most cache_bytes of the config and what a batch adds."),
		evicted:     f.counter("cache_evicted_total", "Subjects dropped from memory because cache_bytes was reached; they are read again from the store."),
		ids:         f.gauges("duplicate_ids", "Event ids remembered for the partition.", "topic", "partition"),
		shortened:   f.counter("duplicate_window_shortened_total", "Event ids forgotten early because dedupe.max_ids was reached."),
		waits:       f.counter("partition_wait_timeouts_total", "Times a partition that was ahead went on though the slowest made no progress for a minute."),
		newest:      f.gauges("event_timestamp_seconds", "Newest time of an event of the partition that matched a rule. Over those that are not silent, the smallest is the stream's time.", "topic", "partition"),
		unfit:       f.gauge("store_unfit", "1: Redis is not fit to keep counts, as it may evict keys or is a replica; 0: it is."),
		strangers:   f.gauge("group_strangers", "Members of the Kafka group whose events are not counted here: other programs, and aggregators that count into another store."),
		stalled:     f.gauges("stalled_seconds", "Since when a shard, a partition or a relay does nothing though it is at work; 0: it goes on.", "what", "topic", "partition", "shard"),
	}
	m.start(f, p)
	return m
}

// start makes the series whose labels are known.
func (m *Metrics) start(f factory, p *Program) {
	events := f.counters("events_total", "Events read, by result.", "result")
	for v := range m.events {
		m.events[v] = events.WithLabelValues(verdictNames[v])
	}
	faults := f.gauges("fault_timestamp_seconds", "When the process last found a fault of this kind; 0: never.", "fault")
	for i := range m.faults {
		m.faults[i] = faults.WithLabelValues(faultNames[i])
	}
	made := f.counters("subjects_made_total", "Subjects written to the store for the first time, or again after they were forgotten, by kind.", "by")
	late := f.counters("late_total", "Operations too old for every counter of their subject, by kind of subject.", "by")
	refused := f.counters("after_refused_total", "Operations that an `after` condition kept out of a counter, by kind of subject.", "by")
	for k := range thresholds.NumKinds {
		m.late[k], m.refused[k], m.made[k] = late.WithLabelValues(k.String()), refused.WithLabelValues(k.String()), made.WithLabelValues(k.String())
	}
	for _, operation := range []string{operationLoad, operationCommit, operationFence} {
		m.storeCalls.WithLabelValues(operation)
	}
	for _, reason := range event.Reasons() {
		m.dead.WithLabelValues(reason)
	}
	info := f.gauges("rules_info", "The packs loaded: 1.", "pack", "hash")
	for _, pack := range p.packs {
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

func (m *Metrics) event(v verdict)               { m.events[v].Inc() }
func (m *Metrics) deadLetter(reason string)      { m.dead.WithLabelValues(reason).Inc() }
func (m *Metrics) conflict()                     { m.conflicts.Inc() }
func (m *Metrics) rewind()                       { m.rewinds.Inc() }
func (m *Metrics) passedOver(records int)        { m.surplus.Add(float64(records)) }
func (m *Metrics) repeatSkipped()                { m.skipped.Inc() }
func (m *Metrics) forgotten(n int)               { m.forgot.Add(float64(n)) }
func (m *Metrics) gaveUpWaiting()                { m.waits.Inc() }
func (m *Metrics) subjectMade(k thresholds.Kind) { m.made[k].Inc() }
func (m *Metrics) cacheEvicted()                 { m.evicted.Inc() }
func (m *Metrics) cacheGrew(bytes int)           { m.cached.Add(float64(bytes)) }
func (m *Metrics) strangersSeen(n int)           { m.strangers.Set(float64(n)) }

// begin forgets what was told of shards that are made again.
func (m *Metrics) begin() {
	m.cached.Set(0)
	m.stalled.Reset()
}

// The faults of which it is told when they were last found. What is found at a start stands in a counter before Prometheus
// has seen that at 0, and no rate shows it then; when it was found is seen whenever one looks.
const (
	faultLoss = iota
	faultRollback
	faultGone
	faultHole
	faultOutbox
	numFaults
)

var faultNames = [numFaults]string{
	faultLoss: "store-loss", faultRollback: "store-rollback", faultGone: "store-record-gone", faultHole: "log-hole", faultOutbox: "outbox-damaged",
}

func (m *Metrics) lost() {
	m.losses.Inc()
	m.faults[faultLoss].SetToCurrentTime()
}

func (m *Metrics) wentBack() {
	m.rollbacks.Inc()
	m.faults[faultRollback].SetToCurrentTime()
}

func (m *Metrics) recordGone() {
	m.gone.Inc()
	m.faults[faultGone].SetToCurrentTime()
}

func (m *Metrics) hole(records int64) {
	m.holes.Add(float64(records))
	m.faults[faultHole].SetToCurrentTime()
}

func (m *Metrics) outboxDamaged() {
	m.outboxBad.Inc()
	m.faults[faultOutbox].SetToCurrentTime()
}

func (m *Metrics) storeUnfit(is bool) {
	m.unfit.Set(0)
	if is {
		m.unfit.Set(1)
	}
}

func (m *Metrics) operation(k thresholds.Kind, o outcome) {
	if o.late {
		m.late[k].Inc()
	}
	if o.refused {
		m.refused[k].Inc()
	}
	if o.capped {
		m.capped.Inc()
	}
}

// The operations of the store that are timed.
const (
	operationLoad   = "load"
	operationCommit = "commit"
	operationFence  = "fence" // made for a partition that is new to the store
)

// operationOutbox is what relays do in the store. It waits for nobody, and is not timed.
const operationOutbox = "outbox"

func (m *Metrics) storeCall(operation string, d time.Duration) {
	m.storeCalls.WithLabelValues(operation).Observe(d.Seconds())
}

func (m *Metrics) storeError(operation string, err error) {
	m.storeErrors.WithLabelValues(operation, redisstore.ErrorKind(err)).Inc()
}

func (m *Metrics) commit(d time.Duration, c *windowstore.Commit) {
	m.commits.Observe(d.Seconds())
	m.commitKeys.Observe(float64(len(c.Fences) + len(c.Records) + len(c.Puts)))
}

// behind notes how far a partition is: records up to the end of the log that are not counted
// and stored yet, and the age of the newest one that is, if there are any. If none is, it is as old as its reading, which began at given.
func (m *Metrics) behind(at topicPartition, behind, clock int64, given, now time.Time) {
	p := strconv.Itoa(at.partition)
	m.lag.WithLabelValues(at.topic, p).Set(float64(max(0, behind)))
	age := 0.0
	switch {
	case behind > 0 && clock != noTime:
		age = max(0, now.Sub(time.UnixMilli(clock)).Seconds())
	case behind > 0:
		age = now.Sub(given).Seconds()
	}
	m.lagSeconds.WithLabelValues(at.topic, p).Set(age)
}

// heldBack notes how many records of a partition an open transaction holds back.
func (m *Metrics) heldBack(at topicPartition, records int64) {
	m.held.WithLabelValues(at.topic, strconv.Itoa(at.partition)).Set(float64(records))
}

func (m *Metrics) remembered(at topicPartition, ids int, shortened uint64) {
	m.ids.WithLabelValues(at.topic, strconv.Itoa(at.partition)).Set(float64(ids))
	m.shortened.Add(float64(shortened))
}

// reached notes the newest time matched of a partition, ns.
func (m *Metrics) reached(at topicPartition, newest int64) {
	if newest != noTime {
		m.newest.WithLabelValues(at.topic, strconv.Itoa(at.partition)).Set(float64(newest) / 1e9)
	}
}

// drop forgets the series of a partition that is given up.
func (m *Metrics) drop(at topicPartition) {
	p := strconv.Itoa(at.partition)
	m.lag.DeleteLabelValues(at.topic, p)
	m.lagSeconds.DeleteLabelValues(at.topic, p)
	m.held.DeleteLabelValues(at.topic, p)
	m.ids.DeleteLabelValues(at.topic, p)
	m.newest.DeleteLabelValues(at.topic, p)
}

func (m *Metrics) outbox(shard int, entries uint64, oldest int64) {
	s := strconv.Itoa(shard)
	m.depth.WithLabelValues(s).Set(float64(entries))
	m.age.WithLabelValues(s).Set(float64(oldest) / 1000)
}

// dropOutbox forgets the series of an outbox that another process publishes from now on.
func (m *Metrics) dropOutbox(shard int) {
	s := strconv.Itoa(shard)
	m.depth.DeleteLabelValues(s)
	m.age.DeleteLabelValues(s)
}

// publishedCrossing is what the metrics tell of a crossing.
type publishedCrossing struct {
	rule, level, status string
	partition           int // of its evidence
	offset              int64
	delay               int64 // from its event's Kafka timestamp, ms
}

// crossing notes a crossing that was published. The exemplar leads to the event that crossed; its
// labels, with a rule's name of at most 64 letters, fit the 128 that an exemplar may have.
func (m *Metrics) crossing(c publishedCrossing) {
	m.crossings.WithLabelValues(c.rule, c.level, c.status).Inc()
	if c.status != "crossed" {
		return
	}
	m.delivery.(prometheus.ExemplarObserver).ObserveWithExemplar(float64(c.delay)/1000, prometheus.Labels{
		"rule": c.rule, "partition": strconv.Itoa(c.partition), "offset": strconv.FormatInt(c.offset, 10),
	})
}
