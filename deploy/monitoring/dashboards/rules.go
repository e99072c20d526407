package dashboards

// reloads tell whether changed rules are in force, and what they ask for that was not announced yet.
func reloads() []chart {
	return []chart{
		{
			title: "Rules as they are written", look: list, width: 12, unit: number, runbook: runbookFlow,
			shows:     "Whether each process decides by the packs as it last read them: 1, or 0 where these have faults. Then those of before stay in force.",
			normal:    "1 everywhere.",
			otherwise: "the log and `/readyz?verbose` of the process say where the faults are. Correct the files: they are read again within ten seconds.",
			columns:   []string{"instance", "Value=in force"},
			queries:   []query{{expr: `min by (instance) (aggregator_rules_last_reload_successful{})`, legend: "{{instance}}"}},
		},
		{
			title: "Rules changed", look: list, width: 12, unit: since, runbook: runbookFlow,
			shows:     "How long ago the packs that each process decides by came into force: at its start, or by a reload.",
			normal:    "about the same with all processes, except for the time of their starts.",
			otherwise: "one process alone is older than your last change: it has not read the changed files, or refuses them.",
			columns:   []string{"instance", "Value=in force since"},
			queries:   []query{{expr: `1000 * max by (instance) (aggregator_rules_last_reload_timestamp_seconds{})`, legend: "{{instance}}"}},
		},
		{
			title: "Subjects at a level that was not announced", width: 24, unit: number, runbook: runbookFlow,
			shows:     "Subjects that a change of the rules put at a level, by rule, as of the last scan of all records. Each is announced with its next event.",
			normal:    "0. After a limit was lowered it rises, and falls as events come.",
			otherwise: "subjects without events stay there. The board and `/api/v1/subjects` name them: `pending`.",
			queries:   []query{{expr: `sum by (rule) (aggregator_subjects_unannounced{})`, legend: "{{rule}}"}},
		},
	}
}

// shadow is what rules with `shadow: true` announce, which nobody is alerted of.
func shadow() []chart {
	return []chart{
		{
			title: "Crossings of shadow rules, by rule and level", look: bars, width: 12, unit: number, runbook: runbookCrossings,
			shows:     "Levels that rules with `shadow: true` reached. They are in `kafka.shadow`, if that is set, and never in the topic of crossings.",
			normal:    "what you try.",
			otherwise: "many more than you want to be called for: change the limit before you make the rule live.",
			queries:   []query{{expr: `sum by (rule, level) (increase(aggregator_shadow_crossings_total{rule=~"$rule",status="crossed"}[$__rate_interval]))`, legend: "{{rule}} {{level}}"}},
		},
		{
			title: "Shadow crossings that wait, or had no room", width: 12, unit: number, runbook: runbookCrossings,
			shows:     "Crossings of shadow rules that are in Redis and not yet in their topic, and those that were dropped as there was no room. Nothing waits for them.",
			normal:    "0.",
			otherwise: "the topic of `kafka.shadow` cannot be written: the log says why. Counting, and the topic of crossings, do not depend on it.",
			queries: []query{
				{expr: `sum(aggregator_shadow_outbox_entries{})`, legend: "wait"},
				{expr: `sum(increase(aggregator_shadow_crossings_dropped_total{}[$__rate_interval]))`, legend: "dropped"},
			},
		},
	}
}
