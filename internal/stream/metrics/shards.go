package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Shards is what tells of counting: operations, commits, and the subjects in memory and in the store.
type Shards struct {
	late       [thresholds.NumKinds]prometheus.Counter
	refused    [thresholds.NumKinds]prometheus.Counter
	Made       [thresholds.NumKinds]prometheus.Counter
	conflicts  prometheus.Counter
	commits    prometheus.Histogram
	commitKeys prometheus.Histogram
	rewinds    prometheus.Counter
	rollbacks  prometheus.Counter
	Gone       prometheus.Counter
	capped     prometheus.Counter
	Forgot     prometheus.Counter
	cached     prometheus.Gauge
	Evicted    prometheus.Counter
	Pending    *prometheus.GaugeVec
	pending    pending
	faults     *faults
	shadow     *Outbox
}

func newShards(f factory, found *faults, shadow *Outbox) *Shards {
	m := &Shards{
		conflicts:  f.counter("store_conflicts_total", "Commits refused because another process had written a subject."),
		commits:    f.histogram("commit_seconds", "Time that one commit to the store took, retries included.", prometheus.ExponentialBuckets(0.0005, 2, 15)),
		commitKeys: f.histogram("commit_keys", "Keys of one commit, those that are only compared included.", prometheus.ExponentialBuckets(1, 4, 7)),
		rewinds:    f.counter("fence_rewinds_total", "Times a shard went back to its fences."),
		rollbacks:  f.counter("store_rollbacks_total", "Times a shard found a fence older than it had written, or gone: the store went back in time or lost its data."),
		Gone:       f.counter("store_records_gone_total", "Records that were gone from the store though their fences were there: counted anew."),
		capped:     f.counter("capped_total", "Operations on a counter that was at its cap."),
		Forgot:     f.counter("subjects_forgotten_total", "Subjects deleted or shrunk after their windows had run empty."),
		cached:     f.gauge("cache_bytes", "Memory that subjects kept between batches take, about; at most cache_bytes of the config and what a batch adds."),
		Evicted:    f.counter("cache_evicted_total", "Subjects dropped from memory because cache_bytes was reached; they are read again from the store."),
		Pending:    f.gauges("subjects_unannounced", "Subjects at a level that the rules in force ask for and that was not announced, as their limits changed: it is announced with their next event. Of the shards that the process looks after, as last scanned.", "rule"),
		faults:     found,
		shadow:     shadow,
	}
	made := f.counters("subjects_made_total", "Subjects written to the store for the first time, or again after they were forgotten, by kind.", "by")
	late := f.counters("late_total", "Operations too old for every counter of their subject, by kind of subject.", "by")
	refused := f.counters("after_refused_total", "Operations that an `after` condition kept out of a counter, by kind of subject.", "by")
	for k := range thresholds.NumKinds {
		m.late[k], m.refused[k], m.Made[k] = late.WithLabelValues(k.String()), refused.WithLabelValues(k.String()), made.WithLabelValues(k.String())
	}
	return m
}

// rules makes the series of all rules, at 0, and forgets those of others. How many subjects it is of is not known before a scan has told.
func (m *Shards) rules(packs []*thresholds.Pack) {
	m.Pending.Reset()
	m.pending.reset()
	for _, p := range packs {
		for _, r := range p.Rules {
			m.Pending.WithLabelValues(r.ID).Set(0)
		}
	}
}

// Unannounced notes of how many subjects a level of a rule was not announced that they are at.
func (m *Shards) Unannounced(rule string, n int) {
	m.Pending.WithLabelValues(rule).Set(float64(n))
	m.pending.set(rule, n)
}

// Operation counts what became of an operation, unless that is a canary's.
func (m *Shards) Operation(k thresholds.Kind, o engine.Outcome) {
	if k == thresholds.Canary {
		return
	}
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

// Commit notes a commit: how long it took, and its keys.
func (m *Shards) Commit(d time.Duration, c *windowstore.Commit) {
	m.commits.Observe(d.Seconds())
	m.commitKeys.Observe(float64(len(c.Fences) + len(c.Records) + len(c.Puts)))
}

// ShadowCrossing counts a crossing of a shadow rule that was committed, and is not published.
func (m *Shards) ShadowCrossing(c Crossing) { m.shadow.Crossing(c) }

// ShadowDropped counts a crossing of a shadow rule that was to be published, and had no room.
func (m *Shards) ShadowDropped() { m.shadow.dropped.Inc() }

// Conflict counts a commit that was refused since another process had written a subject.
func (m *Shards) Conflict() { m.conflicts.Inc() }

// Rewind counts a shard that went back to its fences.
func (m *Shards) Rewind() { m.rewinds.Inc() }

// WentBack notes that a fence was older than written.
func (m *Shards) WentBack() { m.faults.found(faultRollback, m.rollbacks, 1) }

// RecordGone notes that a record was gone from the store.
func (m *Shards) RecordGone() { m.faults.found(faultGone, m.Gone, 1) }

// SubjectMade counts a subject written for the first time, unless it is a canary's.
func (m *Shards) SubjectMade(k thresholds.Kind) {
	if k != thresholds.Canary {
		m.Made[k].Inc()
	}
}

// Forgotten counts subjects deleted or shrunk.
func (m *Shards) Forgotten(n int) { m.Forgot.Add(float64(n)) }

// CacheEvicted counts a subject dropped from memory.
func (m *Shards) CacheEvicted() { m.Evicted.Inc() }

// CacheGrew notes by how many bytes subjects in memory grew.
func (m *Shards) CacheGrew(bytes int) { m.cached.Add(float64(bytes)) }
