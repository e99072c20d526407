package dashboards

// Headings of docs/runbook.md, as they stand in links.
const (
	runbookFlow      = "nothing-comes-or-it-comes-late"
	runbookCrossings = "crossings-do-not-come"
	runbookWhole     = "counts-may-not-be-whole"
	runbookProducers = "what-producers-send"
	runbookHTTP      = "who-asks-by-http"
)

// Units of Grafana.
const (
	number    = "short"
	perSecond = "cps"
	seconds   = "s"
	memory    = "bytes"
	share     = "percentunit"
	since     = "dateTimeFromNow" // of milliseconds
)

// uidOperations and uidLevels are where the dashboards are in Grafana. They never change, since links lead there.
const (
	uidOperations = "aggregator-operations"
	uidLevels     = "aggregator-levels"
)

// Operations tells whether the service keeps up, and if not, where it hangs.
func Operations() Dashboard {
	return dashboard(uidOperations, "Aggregator: operations",
		"Whether events are counted and crossings published in time, and if not, what holds them up. The lights come first; the rows below follow the way of an event.",
		to(uidLevels, "Levels and crossings"), []row{
			{"", lights()},
			{"Intake", intake()},
			{"Lag, by partition", lag()},
			{"Counting and commits", counting()},
			{"Redis", redis()},
			{"Kafka", kafka()},
			{"Outbox and delivery", delivery()},
			{"Dead letters, late and capped", leftOut()},
			{"Group and processes", group()},
			{"Rules", append([]chart{packsDiffer(), packs()}, reloads()...)},
			{"Process: CPU, memory, garbage collection", process()},
			{"HTTP", http()},
		})
}

// lights say whether all is well.
func lights() []chart {
	return []chart{
		{
			title: "Ready", look: light, width: 6, unit: number, bad: 0, runbook: runbookFlow,
			shows:     "Whether every process that is scraped meets every check of `/readyz`. A process that does not answer a scrape counts as not ready.",
			normal:    "READY. During a rolling restart it is NOT READY for some seconds.",
			otherwise: "look at \"Ready, by process and check\" below: it says which check fails, and where. NO PROCESS means that nothing is scraped.",
			names:     []name{{"1", "READY", green}, {"0", "NOT READY", red}, {"null", "NO PROCESS", red}},
			nothing:   "NO PROCESS",
			queries:   []query{{expr: `min(aggregator_ready{} or (up{} and on (job) aggregator_ready{}))`, legend: "ready"}},
		},
		{
			title: "Oldest event not counted", look: light, width: 6, unit: seconds, warn: 10, bad: 60, runbook: runbookFlow,
			shows:     "How long the oldest event waits that is not yet counted and stored, over all partitions.",
			normal:    "under 2 s. It is more while a backlog is worked off.",
			otherwise: "look at \"Lag, by partition\": one partition hangs, or all are slow. NOBODY COUNTS means that no process has a partition.",
			names:     []name{{"null", "NOBODY COUNTS", red}},
			nothing:   "NOBODY COUNTS",
			queries:   []query{{expr: `max(aggregator_lag_seconds{})`, legend: "oldest event"}},
		},
		{
			title: "Oldest crossing not published", look: light, width: 6, unit: seconds, warn: 10, bad: 60, runbook: runbookCrossings,
			shows:     "How old the event is of the oldest crossing that waits in an outbox.",
			normal:    "0, or under 2 s for a moment. During a backlog it is as old as the events.",
			otherwise: "crossings are safe in Redis and cannot be published: look at \"Kafka\", \"Outbox and delivery\" and the log.",
			names:     []name{{"null", "NOBODY PUBLISHES", red}},
			nothing:   "NOBODY PUBLISHES",
			queries:   []query{{expr: `max(aggregator_outbox_oldest_seconds{})`, legend: "oldest crossing"}},
		},
		{
			title: "Last canary came back", look: light, width: 6, unit: seconds, warn: 150, bad: 300, runbook: runbookCrossings,
			shows:     "How long ago a canary last came back, of the partition where that is longest ago. A canary goes the whole way of an event and its crossing.",
			normal:    "up to `canary.every` and some seconds. The colours are for `canary.every: 1m`. CANARIES OFF means that `canary.every` is not set.",
			otherwise: "something on the way is broken, even if nothing else tells. Or only the topic of canaries is: the log says so.",
			names:     []name{{"null", "CANARIES OFF", blue}},
			nothing:   "CANARIES OFF",
			queries:   []query{{expr: `time() - min(max by (job, partition) (aggregator_canary_last_timestamp_seconds{}))`, legend: "last canary"}},
		},
	}
}

func intake() []chart {
	return []chart{
		{
			title: "Events a second, by result", width: 12, unit: perSecond, stacked: true, runbook: runbookProducers,
			shows:     "Records read from the events topics, by what became of them. Only `matched` ones are counted.",
			normal:    "what producers send; mostly `matched`.",
			otherwise: "`malformed` and `ahead` are dead letters. `unmatched` means that no rule counts such events: the log names their types. Nothing at all: look at the producers.",
			queries:   []query{{expr: `sum by (result) (rate(aggregator_events_total{}[$__rate_interval]))`, legend: "{{result}}"}},
		},
		{
			title: "Age of the newest event, by partition", width: 6, unit: seconds, runbook: runbookProducers,
			shows:     "How far the newest time of a counted event is behind the clock. The oldest of the partitions that are not silent is the time by which windows end.",
			normal:    "all partitions close together, near 0. A partition without producers goes on growing.",
			otherwise: "one partition far behind the others gets only old events, and holds clears back. Find its producer.",
			queries:   []query{{expr: `time() - max by (topic, partition) (aggregator_event_timestamp_seconds{})`, legend: "{{topic}}/{{partition}}"}},
		},
		{
			title: "Event ids remembered", width: 6, unit: number, runbook: runbookProducers,
			shows:     "Ids that are kept to recognise repeated events, and ids that were forgotten early.",
			normal:    "as many as come within `dedupe.window`; none is forgotten early.",
			otherwise: "if ids are forgotten early, a late repeat may be counted. Raise `dedupe.max_ids`.",
			queries: []query{
				{expr: `sum by (topic) (aggregator_duplicate_ids{})`, legend: "remembered of {{topic}}"},
				{expr: `sum(increase(aggregator_duplicate_window_shortened_total{}[$__rate_interval]))`, legend: "forgotten early"},
			},
		},
	}
}

func lag() []chart {
	const partition = "{{topic}}/{{partition}}"
	return []chart{
		{
			title: "Oldest event not counted", unit: seconds, warn: 10, bad: 60, runbook: runbookFlow,
			shows:     "How long the oldest record of each partition waits that is not yet counted and stored. If two processes know of a partition, the larger value is shown.",
			normal:    "under 2 s.",
			otherwise: "one partition: its records hang, or a transaction is open. All: Redis, Kafka or the CPU is the limit. Add processes, up to the number of partitions.",
			queries:   []query{{expr: `max by (topic, partition) (aggregator_lag_seconds{})`, legend: partition}},
		},
		{
			title: "Records not counted", unit: number, runbook: runbookFlow,
			shows:     "Records of each partition up to the end of its log that are not yet counted and stored. While Kafka is away it is as last known.",
			normal:    "what comes in a second.",
			otherwise: "if it grows, more comes than is counted. If it stands still while events come, nothing is read.",
			queries:   []query{{expr: `max by (topic, partition) (aggregator_lag_records{})`, legend: partition}},
		},
		{
			title: "Records held back by transactions", unit: number, warn: 1, runbook: runbookFlow,
			shows:     "Of the records not counted those that stand after the first one of an open transaction. Kafka shows them to nobody.",
			normal:    "0.",
			otherwise: "the producer of the transaction must commit or abort it. The log names it.",
			queries:   []query{{expr: `max by (topic, partition) (aggregator_held_back_records{})`, legend: partition}},
		},
	}
}

// Charts of counting: how it goes, and what it costs.
func counting() []chart {
	return []chart{
		{
			title: "Commits a second, by process", unit: perSecond, runbook: runbookFlow,
			shows:     "Batches written to Redis. A commit holds counts, positions and crossings.",
			normal:    "about one a second and shard where events come, and more where crossings do.",
			otherwise: "none although events come: look at \"Doing nothing though at work\" and at Redis.",
			queries:   []query{{expr: `sum by (instance) (rate(aggregator_commit_seconds_count{}[$__rate_interval]))`, legend: "{{instance}}"}},
		},
		{
			title: "Time of a commit", unit: seconds, warn: 1, runbook: runbookFlow,
			shows:     "How long commits take, retries included: half of them, and 99 of 100, are faster.",
			normal:    "some milliseconds; without commits there is no line.",
			otherwise: "Redis, or the network to it, is slow: see \"Time of a call\".",
			queries: []query{
				{expr: `histogram_quantile(0.5, sum by (le) (rate(aggregator_commit_seconds_bucket{}[$__rate_interval])))`, legend: "half"},
				{expr: `histogram_quantile(0.99, sum by (le) (rate(aggregator_commit_seconds_bucket{}[$__rate_interval])))`, legend: "99 of 100"},
			},
		},
		{
			title: "Keys of a commit", unit: number, runbook: runbookFlow,
			shows:     "Keys that a commit writes: the mean, and what 99 of 100 stay below.",
			normal:    "a few with little load, hundreds with much. 3,900 is the most that one commit may have.",
			otherwise: "nothing is wrong. At that size a batch is cut into several commits.",
			queries: []query{
				{expr: `sum(rate(aggregator_commit_keys_sum{}[$__rate_interval])) / sum(rate(aggregator_commit_keys_count{}[$__rate_interval]))`, legend: "mean"},
				{expr: `histogram_quantile(0.99, sum by (le) (rate(aggregator_commit_keys_bucket{}[$__rate_interval])))`, legend: "99 of 100"},
			},
		},
		{
			title: "Subjects made and forgotten a second", unit: perSecond, runbook: runbookProducers,
			shows:     "Incidents and accounts that are written to Redis for the first time, and those that are deleted after their windows ran empty.",
			normal:    "what your incidents and accounts do.",
			otherwise: "if many more are made than usual, somebody may be making ids up. Each takes memory in Redis for as long as the longest window.",
			queries: []query{
				{expr: `sum by (by) (rate(aggregator_subjects_made_total{}[$__rate_interval]))`, legend: "made: {{by}}"},
				{expr: `sum(rate(aggregator_subjects_forgotten_total{}[$__rate_interval]))`, legend: "forgotten"},
			},
		},
		{
			title: "Subjects in memory", unit: memory, runbook: runbookFlow,
			shows:     "Memory of each process for subjects that are kept between batches.",
			normal:    "up to `cache_bytes`.",
			otherwise: "at the limit subjects are read again from Redis (\"Work done again\"). Raise `cache_bytes` if lag grows.",
			queries:   []query{{expr: `sum by (instance) (aggregator_cache_bytes{})`, legend: "{{instance}}"}},
		},
		workAgain(),
		{
			title: "Doing nothing though at work", width: 24, unit: seconds, warn: 10, bad: 30, runbook: runbookFlow,
			shows:     "For how long a partition, a shard or a relay has been at one place although it has work: the one where that is longest.",
			normal:    "0.",
			otherwise: "the log (\"stalled\") names the step, and the record if one is the reason.",
			queries:   []query{{expr: `max by (what) (aggregator_stalled_seconds{})`, legend: "{{what}}"}},
		},
	}
}

func workAgain() chart {
	return chart{
		title: "Work done again, a second", unit: perSecond, runbook: runbookFlow,
		shows: "Commits refused since another process wrote the same subject; shards that went back to what is stored; subjects that memory had no room for; " +
			"partitions that went on without the slowest.",
		normal:    "0 nearly always. After a rebalance there are some.",
		otherwise: "if conflicts and rewinds go on, several partitions feed the same subjects: use the incident as the key of events.",
		queries: []query{
			{expr: `sum(rate(aggregator_store_conflicts_total{}[$__rate_interval]))`, legend: "conflicts"},
			{expr: `sum(rate(aggregator_fence_rewinds_total{}[$__rate_interval]))`, legend: "rewinds"},
			{expr: `sum(rate(aggregator_cache_evicted_total{}[$__rate_interval]))`, legend: "dropped from memory"},
			{expr: `sum(rate(aggregator_partition_wait_timeouts_total{}[$__rate_interval]))`, legend: "went on without the slowest"},
		},
	}
}
