package dashboards

// Charts of what the service calls, and of what it hands on.

func redis() []chart {
	return []chart{
		{
			title: "Calls a second, by operation", unit: perSecond, runbook: runbookFlow,
			shows:     "Calls of Redis that hold counting up: `load` reads subjects, `commit` writes a batch, `fence` begins a partition.",
			normal:    "`commit` as above, `load` where subjects are not in memory, `fence` at a start.",
			otherwise: "none although events come: see \"Errors by kind\".",
			queries:   []query{{expr: `sum by (operation) (rate(aggregator_store_seconds_count{}[$__rate_interval]))`, legend: "{{operation}}"}},
		},
		{
			title: "Time of a call, 99 of 100", unit: seconds, warn: 0.5, runbook: runbookFlow,
			shows:     "The time that 99 of 100 calls stay below, by operation. An operation without calls has no line.",
			normal:    "some milliseconds.",
			otherwise: "look at Redis: its CPU, its disk (`appendfsync`), slow commands of others, the network.",
			queries:   []query{{expr: `histogram_quantile(0.99, sum by (operation, le) (rate(aggregator_store_seconds_bucket{}[$__rate_interval])))`, legend: "{{operation}}"}},
		},
		{
			title: "Fit to keep counts", look: values, unit: number, bad: 1, height: 8, runbook: runbookWhole,
			shows:     "Whether Redis may drop counters when its memory is full, or is a replica.",
			normal:    "FIT.",
			otherwise: "set `maxmemory-policy` to `noeviction`, or see to the failover. Then run `verify`.",
			names:     []name{{"0", "FIT", green}, {"1", "NOT FIT", red}},
			queries:   []query{{expr: `max(aggregator_store_unfit{})`, legend: "store"}},
		},
		{
			title: "Errors by kind, a second", unit: perSecond, runbook: runbookFlow,
			shows:     "Failed calls of Redis, by the kind of error. Each is tried again.",
			normal:    "0; a failover shows for seconds.",
			otherwise: "the runbook has each kind: `refused`, `broken` and `timeout` are the network or a dead Redis, `oom` is its memory, `auth` its rights.",
			queries:   []query{{expr: `sum by (kind) (rate(aggregator_store_errors_total{}[$__rate_interval]))`, legend: "{{kind}}"}},
		},
		{
			title: "Errors by operation, a second", unit: perSecond, runbook: runbookFlow,
			shows:     "The same errors, by what was called.",
			normal:    "0.",
			otherwise: "`load`, `commit` and `fence` hold counting up, `outbox` holds crossings up. `decode` means that something stored is damaged: a shard stands still.",
			queries:   []query{{expr: `sum by (operation) (rate(aggregator_store_errors_total{}[$__rate_interval]))`, legend: "{{operation}}"}},
		},
		{
			title: "Faults: when last found", look: values, unit: since, height: 8, names: []name{{"0", "never", green}}, runbook: runbookWhole,
			shows:     "When a process last found a fault since it was started: Redis went back or lost something, a hole in the log, a damaged outbox. It stays when that is mended.",
			normal:    "never.",
			otherwise: "counts may not be whole: the runbook has each fault. `verify` says whether they are.",
			warn:      1,
			queries:   []query{{expr: `max by (fault) (aggregator_fault_timestamp_seconds{}) * 1000`, legend: "{{fault}}"}},
		},
	}
}

func kafka() []chart {
	return []chart{
		{
			title: "Errors by operation, a second", unit: perSecond, runbook: runbookFlow,
			shows:     "Failed calls of Kafka, by what was called. Each is tried again.",
			normal:    "0; a broker that restarts shows for seconds.",
			otherwise: "`fetch`, `metadata` and `group` hold counting up, `publish` holds crossings up, `dead-letters` holds a partition up.",
			queries:   []query{{expr: `sum by (operation) (rate(aggregator_kafka_errors_total{}[$__rate_interval]))`, legend: "{{operation}}"}},
		},
		{
			title: "Errors by kind, a second", unit: perSecond, runbook: runbookFlow,
			shows:     "The same errors, by their kind.",
			normal:    "0; `rebalance` when a process comes or goes.",
			otherwise: "the runbook has each kind: `refused`, `broken` and `timeout` are dead brokers or the network, `auth` and `tls` rights, `replicas` too few replicas in sync.",
			queries:   []query{{expr: `sum by (kind) (rate(aggregator_kafka_errors_total{}[$__rate_interval]))`, legend: "{{kind}}"}},
		},
		{
			title: "Since a broker answered a fetch", unit: seconds, warn: 10, bad: 60, runbook: runbookFlow,
			shows:     "Seconds since each process last had an answer to a fetch. It is 0 for a process that has no partition.",
			normal:    "under a second or two.",
			otherwise: "no broker answers. Or Redis takes nothing, so that nothing more is fetched: see \"Redis\".",
			queries:   []query{{expr: `max by (instance) (aggregator_last_fetch_seconds{})`, legend: "{{instance}}"}},
		},
	}
}

func delivery() []chart {
	return []chart{
		{
			title: "Crossings that wait, by shard", unit: number, bad: 10000, runbook: runbookCrossings,
			shows:     "Crossings that are stored and not yet published.",
			normal:    "0, or a few for a moment.",
			otherwise: "at 10,000 an outbox is full, and all reading stops. Look at Kafka and at the crossings topic.",
			queries:   []query{{expr: `max by (shard) (aggregator_outbox_entries{})`, legend: "shard {{shard}}"}},
		},
		{
			title: "Oldest crossing that waits, by shard", unit: seconds, warn: 10, bad: 60, runbook: runbookCrossings,
			shows:     "How old the event is of the oldest crossing that waits. It goes on growing while Kafka or Redis is away.",
			normal:    "0, or under 2 s for a moment.",
			otherwise: "one shard: its relay hangs, or waits for another process to let go. All: the crossings topic takes nothing.",
			queries:   []query{{expr: `max by (shard) (aggregator_outbox_oldest_seconds{})`, legend: "shard {{shard}}"}},
		},
		crossingDelay(8),
		{
			title: "Crossings published a second", width: 12, unit: perSecond, runbook: runbookCrossings,
			shows:     "Crossings that Kafka acknowledged, by status, and those that were left out since the topic had them already.",
			normal:    "what your limits and incidents do. Some are left out after an error or a takeover.",
			otherwise: "see the dashboard of levels for which rules cross.",
			queries: []query{
				{expr: `sum by (status) (rate(aggregator_crossings_total{}[$__rate_interval]))`, legend: "{{status}}"},
				{expr: `sum(rate(aggregator_crossings_skipped_total{}[$__rate_interval]))`, legend: "in the topic already"},
			},
		},
		{
			title: "Damaged entries", width: 12, unit: number, bad: 1, runbook: runbookCrossings,
			shows:     "Entries of outboxes that were missing or damaged. Their crossings are lost.",
			normal:    "0.",
			otherwise: "somebody deleted or changed keys in Redis. `replay` of the log shows the crossings.",
			queries:   []query{{expr: `sum(increase(aggregator_outbox_damaged_total{}[$__rate_interval]))`, legend: "damaged"}},
		},
	}
}

// crossingDelay is on both dashboards.
func crossingDelay(width int) chart {
	const of = `sum by (le) (rate(aggregator_crossing_delay_seconds_bucket{}[$__rate_interval]))`
	return chart{
		title: "Delay of crossings", width: width, unit: seconds, warn: 10, runbook: runbookCrossings,
		shows: "From the Kafka timestamp of an event to its crossing acknowledged. A dot is one crossing: it has the rule, and partition and offset of the event. " +
			"Dots need a Prometheus that keeps exemplars.",
		normal:    "99 of 100 within a tenth of a second at half load; within a second or two otherwise. Where nothing crosses there is no line.",
		otherwise: "if lag grew, too, counting is behind. If not, publishing is slow: look at Kafka.",
		queries: []query{
			{expr: `histogram_quantile(0.5, ` + of + `)`, legend: "half"},
			{expr: `histogram_quantile(0.99, ` + of + `)`, legend: "99 of 100", exemplars: true},
		},
	}
}

// leftOut are charts of what was read and not counted.
func leftOut() []chart {
	return []chart{
		{
			title: "Dead letters a second, by reason", width: 12, unit: perSecond, runbook: runbookProducers,
			shows:     "Records that cannot be counted and went to the dead-letter topic.",
			normal:    "0, or what you are used to.",
			otherwise: "look into the dead-letter topic: each record has its reason, with what to do. Tell the producer.",
			queries:   []query{{expr: `sum by (reason) (rate(aggregator_dead_letters_total{}[$__rate_interval]))`, legend: "{{reason}}"}},
		},
		{
			title: "Late, refused and capped, a second", width: 12, unit: perSecond, runbook: runbookProducers,
			shows: "Operations that were not counted: too old for every window of their subject; kept out by an `after` condition; on a counter at its cap. " +
				"An event has one operation for each kind of subject.",
			normal:    "late: 0, except after producers were away. The others: what your rules say.",
			otherwise: "if many are late, a partition may have been far behind: see the lag. At a cap values say `at_least`.",
			queries: []query{
				{expr: `sum by (by) (rate(aggregator_late_total{}[$__rate_interval]))`, legend: "late: {{by}}"},
				{expr: `sum by (by) (rate(aggregator_after_refused_total{}[$__rate_interval]))`, legend: "refused by after: {{by}}"},
				{expr: `sum(rate(aggregator_capped_total{}[$__rate_interval]))`, legend: "at the cap"},
			},
		},
		{
			title: "Records that nobody will count", width: 12, unit: number, warn: 1, runbook: runbookWhole,
			shows:     "Records that were deleted before they were read, or passed over by `-skip`; and records that do not fit their batch.",
			normal:    "0.",
			otherwise: "retention was faster than the service: lengthen it. Measures that lack events say `since`.",
			queries: []query{
				{expr: `sum(increase(aggregator_log_holes_records_total{}[$__rate_interval]))`, legend: "in holes of the log"},
				{expr: `sum(increase(aggregator_records_passed_over_total{}[$__rate_interval]))`, legend: "passed over"},
			},
		},
		{
			title: "Store went back, or lost something", width: 12, unit: number, warn: 1, runbook: runbookWhole,
			shows: "How often a fence was older than written, how often fences were missing, and how many records were. " +
				"What a process finds at its start is not shown here: see \"Faults: when last found\".",
			normal:    "0.",
			otherwise: "Redis was restored, failed over, or somebody deleted keys. It is counted again from the log; `verify` says whether counts are right.",
			queries: []query{
				{expr: `sum(increase(aggregator_store_rollbacks_total{}[$__rate_interval]))`, legend: "went back"},
				{expr: `sum(increase(aggregator_store_losses_total{}[$__rate_interval]))`, legend: "fences lost"},
				{expr: `sum(increase(aggregator_store_records_gone_total{}[$__rate_interval]))`, legend: "records gone"},
			},
		},
	}
}
