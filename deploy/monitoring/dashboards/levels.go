package dashboards

// Levels tells which rules cross, how soon that is known, and by which packs.
func Levels() Dashboard {
	rule := several("rule", "Rule", `label_values(aggregator_crossings_total{job=~"$job",instance=~"$instance"}, rule)`)
	return dashboard(uidLevels, "Aggregator: levels and crossings",
		"Which rules crossed which level, and how long that took. Figures are about right: Prometheus reckons between scrapes. The topic of crossings is exact.",
		to(uidOperations, "Operations of the service"), []row{
			{"", totals()},
			{"Crossings by rule, level and status", crossings()},
			{"Delay of crossings", []chart{crossingDelay(12), delays()}},
			{"Rules that are only tried", shadow()},
			{"Canaries", canaries()},
			{"Packs", []chart{packsDiffer(), packs()}},
		}, rule)
}

// totals are figures of the whole time that is chosen.
func totals() []chart {
	const (
		all = `round(sum(increase(aggregator_crossings_total{rule=~"$rule"}[$__range])))`
		up  = `round(sum(increase(aggregator_crossings_total{rule=~"$rule",status="crossed"}[$__range])))`
	)
	const quantile = `histogram_quantile(0.99, sum by (le) (increase(aggregator_crossing_delay_seconds_bucket{}[$__range])))`
	return []chart{
		{
			title: "Crossings", look: values, width: 6, unit: number, runbook: runbookCrossings,
			shows:     "Levels that were reached and announced in the time that is chosen.",
			normal:    "what your limits and incidents do.",
			otherwise: "many more than usual: look below which rule it is. None, although some should be: see the dashboard of operations.",
			queries:   []query{{expr: up, legend: "crossed"}},
		},
		{
			title: "Rules that crossed", look: values, width: 6, unit: number, runbook: runbookCrossings,
			shows:     "How many rules had a crossing in the time that is chosen.",
			normal:    "a few.",
			otherwise: "see the table below.",
			queries:   []query{{expr: `sum(sum by (rule) (increase(aggregator_crossings_total{rule=~"$rule",status="crossed"}[$__range])) > bool 0)`, legend: "rules"}},
		},
		{
			title: "Clears", look: values, width: 6, unit: number, runbook: runbookCrossings,
			shows:     "Episodes that ended and were announced as cleared. Only rules with `clear` have that. It is worked out from all crossings, so that it is 0 without such rules.",
			normal:    "some time after crossings.",
			otherwise: "on a silent topic clears wait for stream time: canaries move it.",
			queries:   []query{{expr: all + ` - ` + up, legend: "cleared"}},
		},
		{
			title: "Delay of crossings, 99 of 100", look: values, width: 6, unit: seconds, warn: 2, bad: 10, nothing: "nothing crossed", runbook: runbookCrossings,
			shows:     "The time that 99 of 100 crossings took, of all rules, in the time that is chosen.",
			normal:    "under a second or two.",
			otherwise: "see the delay below, and the lag on the dashboard of operations.",
			names:     []name{{"null", "nothing crossed", blue}},
			queries:   []query{{expr: quantile, legend: "99 of 100"}},
		},
	}
}

func crossings() []chart {
	return []chart{
		{
			title: "Crossings, by rule", look: bars, width: 12, unit: number, runbook: runbookCrossings,
			shows:     "Levels that were reached and announced, by rule. A bar is what came in the time of the bar, or a little more.",
			normal:    "what your limits and incidents do.",
			otherwise: "many at once of one rule: an incident has many accounts that cross, a limit was lowered, or somebody makes ids up.",
			queries:   []query{{expr: `sum by (rule) (increase(aggregator_crossings_total{rule=~"$rule",status="crossed"}[$__rate_interval]))`, legend: "{{rule}}"}},
		},
		{
			title: "Crossings, by level", look: bars, width: 12, unit: number, runbook: runbookCrossings,
			shows:     "The same by level: the share of the limit that was reached.",
			normal:    "lower levels come first and more often.",
			otherwise: "an upper level alone: one event jumped over the lower ones, which were announced with it.",
			queries:   []query{{expr: `sum by (level) (increase(aggregator_crossings_total{rule=~"$rule",status="crossed"}[$__rate_interval]))`, legend: "level {{level}}"}},
		},
		{
			title: "Crossings and clears, by rule", width: 12, unit: number, runbook: runbookCrossings,
			shows:     "What was announced of each rule by status: `crossed` as a level was reached, `cleared` as an episode ended.",
			normal:    "for rules with `clear` the second follows the first.",
			otherwise: "no clears although windows have passed: stream time may stand still. See the age of the newest event on the dashboard of operations.",
			queries:   []query{{expr: `sum by (rule, status) (increase(aggregator_crossings_total{rule=~"$rule"}[$__rate_interval]))`, legend: "{{rule}} {{status}}"}},
		},
		{
			title: "Totals of the time that is chosen", look: list, width: 12, unit: number, runbook: runbookCrossings,
			shows:     "Crossings and clears by rule and level, rounded.",
			normal:    "what your limits and incidents do.",
			otherwise: "the topic of crossings has each of them, with its evidence.",
			columns:   []string{"rule", "level", "status", "Value=crossings"},
			queries:   []query{{expr: `round(sum by (rule, level, status) (increase(aggregator_crossings_total{rule=~"$rule"}[$__range])))`, legend: "{{rule}}"}},
		},
	}
}

func delays() chart {
	return chart{
		title: "Delay of crossings, all", look: heat, width: 12, unit: seconds, runbook: runbookCrossings,
		shows:     "How many crossings took how long. The darker, the more.",
		normal:    "one band at the bottom.",
		otherwise: "a second band above it: a part of the crossings waits, of one shard or of a partition that is behind.",
		queries:   []query{{expr: `sum by (le) (increase(aggregator_crossing_delay_seconds_bucket{}[$__rate_interval]))`, legend: "{{le}}"}},
	}
}

func canaries() []chart {
	const of = `sum by (le) (rate(aggregator_canary_delay_seconds_bucket{}[$__rate_interval]))`
	return []chart{
		{
			title: "Round trip of canaries", unit: seconds, warn: 10, runbook: runbookCrossings,
			shows:     "The whole way of a canary by one clock: sent, counted, published, read back.",
			normal:    "under a second or two. Without canaries there is no line.",
			otherwise: "the way is slow: the lag says whether it is counting, the outbox whether it is publishing.",
			queries: []query{
				{expr: `histogram_quantile(0.5, ` + of + `)`, legend: "half"},
				{expr: `histogram_quantile(0.99, ` + of + `)`, legend: "99 of 100"},
			},
		},
		{
			title: "Last canary came back, by partition", unit: seconds, warn: 150, bad: 300, runbook: runbookCrossings,
			shows:     "How long ago a canary of each partition last came back. The lines are for `canary.every: 1m`. With canaries off there is no series.",
			normal:    "a saw: it rises to `canary.every` and falls.",
			otherwise: "one partition: it is not counted, or its shard's outbox hangs. All: the way, or the topic of canaries, is broken.",
			queries:   []query{{expr: `time() - max by (partition) (aggregator_canary_last_timestamp_seconds{})`, legend: "partition {{partition}}"}},
		},
		{
			title: "Canaries a second", unit: perSecond, runbook: runbookCrossings,
			shows:     "Canaries that were read with the events, and those that came back.",
			normal:    "both the same: one for each partition in `canary.every`.",
			otherwise: "more are read than come back: somebody else sends events of type `canary`, or the way is broken.",
			queries: []query{
				{expr: `sum(rate(aggregator_canary_events_total{}[$__rate_interval]))`, legend: "read"},
				{expr: `sum(rate(aggregator_canary_delay_seconds_count{}[$__rate_interval]))`, legend: "came back"},
			},
		},
	}
}
