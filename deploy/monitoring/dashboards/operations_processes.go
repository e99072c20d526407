package dashboards

// Charts of processes. What every program has (process_..., go_...) is asked for only of those that are aggregators.

func group() []chart {
	return []chart{
		{
			title: "Members of the group", look: values, width: 4, height: 8, unit: number, runbook: runbookFlow,
			shows:     "Processes that are members of the Kafka group.",
			normal:    "as many as you run.",
			otherwise: "0: nobody counts. Fewer than you run: look which are not ready, and into their logs.",
			queries:   []query{{expr: `sum(aggregator_group_member{})`, legend: "members"}},
		},
		{
			title: "Strangers in the group", look: values, width: 4, height: 8, unit: number, bad: 1, runbook: runbookFlow,
			shows:     "Members of the Kafka group whose events are not counted here: other programs, or a deployment with another store.",
			normal:    "0.",
			otherwise: "stop them, or give one of the two another group. The log names them.",
			queries:   []query{{expr: `max(aggregator_group_strangers{})`, legend: "strangers"}},
		},
		{
			title: "Partitions, by process", unit: number, stacked: true, runbook: runbookFlow,
			shows:     "Partitions of the events topics that each process has.",
			normal:    "shared evenly; together as many as there are. A process with 0 stands by.",
			otherwise: "fewer than there are: nobody counts the rest. It should last for seconds only, when processes come and go.",
			queries:   []query{{expr: `sum by (instance) (aggregator_group_partitions{})`, legend: "{{instance}}"}},
		},
		{
			title: "Ready, by process and check", look: states, unit: number, runbook: runbookFlow,
			shows:     "For each process the checks of `/readyz`: green while met, red while not. A gap: the process was not scraped.",
			normal:    "green.",
			otherwise: "`/readyz?verbose` of the process says why. `kafka`: no broker answers. `redis`: it takes no writes. `topics`: one is missing. `group`: not joined, or strangers are in it.",
			names:     []name{{"1", "met", green}, {"0", "not met", red}},
			queries:   []query{{expr: `min by (instance, check) (aggregator_ready{})`, legend: "{{instance}} {{check}}"}},
		},
		{
			title: "Versions", look: list, width: 24, height: 5, unit: number, runbook: runbookFlow,
			shows:     "How many processes run which version.",
			normal:    "one line; two during an update.",
			otherwise: "finish the update.",
			columns:   []string{"version", "revision", "goversion=Go", "Value=processes"},
			queries:   []query{{expr: `count by (version, revision, goversion) (aggregator_build_info{})`, legend: "{{version}}"}},
		},
	}
}

// packsDiffer is on both dashboards, as packs is.
func packsDiffer() chart {
	return chart{
		title: "Sets of packs that differ", look: values, width: 6, unit: number, bad: 1, runbook: runbookFlow,
		shows:     "Other sets of packs than its own that a process sees in the group.",
		normal:    "0; during a rolling restart with changed packs it is 1.",
		otherwise: "incidents of some partitions cross by one limit, those of others by another. Give all processes the same files.",
		queries:   []query{{expr: `max(aggregator_rules_differ{})`, legend: "other sets"}},
	}
}

func packs() chart {
	return chart{
		title: "Packs in force", look: list, width: 18, unit: number, runbook: runbookFlow,
		shows:     "Which packs the processes decide by. The hash is the SHA-256 of the file, which crossings name as `pack_hash`.",
		normal:    "one hash for each pack, with all processes.",
		otherwise: "two hashes for a pack: processes were started with different files. `aggregator rules -config FILE -hash HASH` prints a pack.",
		columns:   []string{"pack", "hash", "Value=processes"},
		queries:   []query{{expr: `count by (pack, hash) (aggregator_rules_info{})`, legend: "{{pack}}"}},
	}
}

// ours leaves those series that are of an aggregator: the variables may name other jobs, too.
const ours = ` and on (job, instance) aggregator_build_info{}`

func process() []chart {
	const instance = "{{instance}}"
	return []chart{
		{
			title: "CPU", unit: number, runbook: runbookFlow,
			shows:     "Cores that each process keeps busy.",
			normal:    "what your load takes; docs/sizing.md has figures.",
			otherwise: "if it is at what the machine or the container has, and lag grows: more processes, up to the number of partitions.",
			queries:   []query{{expr: `rate(process_cpu_seconds_total{}[$__rate_interval])` + ours, legend: instance}},
		},
		{
			title: "Memory", unit: memory, runbook: runbookFlow,
			shows:     "Memory of each process as the system counts it, and what of it is Go's heap in use.",
			normal:    "level after some minutes of load; docs/sizing.md has figures.",
			otherwise: "if it goes on growing, take a profile (`http.debug`) and report it. A lower `cache_bytes` takes less.",
			queries: []query{
				{expr: `process_resident_memory_bytes{}` + ours, legend: instance + " resident"},
				{expr: `go_memstats_heap_inuse_bytes{}` + ours, legend: instance + " heap"},
			},
		},
		{
			title: "Time stopped by garbage collection", unit: share, warn: 0.05, runbook: runbookFlow,
			shows:     "The share of time for which all of a process stood still for garbage collection.",
			normal:    "well under 1 %.",
			otherwise: "memory is short: raise the limit of the container, or `GOMEMLIMIT`.",
			queries:   []query{{expr: `rate(go_gc_duration_seconds_sum{}[$__rate_interval])` + ours, legend: instance}},
		},
		{
			title: "Goroutines", unit: number, runbook: runbookFlow,
			shows:     "Goroutines of each process.",
			normal:    "level: some for each partition and shard.",
			otherwise: "if it goes on growing, take a profile (`http.debug`) and report it.",
			queries:   []query{{expr: `go_goroutines{}` + ours, legend: instance}},
		},
		{
			title: "Open files and connections", unit: share, warn: 0.8, runbook: runbookHTTP,
			shows:     "The share of the descriptors that a process may have which are open.",
			normal:    "a few per cent.",
			otherwise: "too many connections by HTTP, or a low limit (`ulimit -n`).",
			queries:   []query{{expr: `process_open_fds{} / process_max_fds{}` + ours, legend: instance}},
		},
		{
			title: "Running for", unit: "dtdurations", runbook: runbookFlow,
			shows:     "For how long each process has run.",
			normal:    "a line that rises.",
			otherwise: "a line that falls to 0 again and again: the process ends and is restarted. Its last log line, \"ended\", says why.",
			queries:   []query{{expr: `(time() - process_start_time_seconds{})` + ours, legend: instance}},
		},
	}
}

func http() []chart {
	return []chart{
		{
			title: "Requests refused a second, by reason", width: 12, unit: perSecond, runbook: runbookHTTP,
			shows:     "HTTP requests that were refused: a wrong token, no token, a foreign host or origin.",
			normal:    "0.",
			otherwise: "`token`: somebody tries tokens, or a client has an old one. `host`: set `http.hosts`.",
			queries:   []query{{expr: `sum by (reason) (rate(aggregator_http_refused_total{}[$__rate_interval]))`, legend: "{{reason}}"}},
		},
		{
			title: "Connections closed to make room, a second", width: 12, unit: perSecond, runbook: runbookHTTP,
			shows:     "HTTP connections that were closed since newer ones came and all places were taken.",
			normal:    "0.",
			otherwise: "find out who opens them: a scraper without keep-alive, a scan, an attack.",
			queries:   []query{{expr: `sum by (instance) (rate(aggregator_http_connections_cut_total{}[$__rate_interval]))`, legend: "{{instance}}"}},
		},
	}
}
