// Package bench measures the whole program, as it is built, on a real Kafka and a real Redis.
// Beside it in the same run stands a floor: the same records fetched, decoded, freed of duplicates
// and counted into maps, with no store. README.md says how to run the benchmarks, RESULTS.md what
// came of them. The package needs Linux.
//
// The benchmarks, each in a file of its name:
//   - whole_test.go, paced_test.go: a backlog, and events at an even rate
//   - backlog_test.go: replay of a file, verify of a topic
//   - rules_test.go, service_test.go: the service in this process, by rule, for a profile
//   - curves_test.go, curve_point_test.go: the cost along nine curves; one point of one
//   - latency_test.go, restart_test.go: from an event to its crossing seen; from a start to the
//     first event
//   - peers_test.go, perevent_test.go: other programs for the same job
//   - stored_test.go: bytes in Redis
//   - ratio_slow_test.go: a test, which fails if the program gets much dearer
//
// What they share:
//   - fixture_test.go: the servers of a benchmark; run_test.go: one run of the program
//   - program_test.go: its process, by servers.Program
//   - jobs_test.go: flags, and packs with the events they are for; packs_test.go: packs made for a
//     curve
//   - load_test.go, feed_test.go: events into Kafka, by gen.Generator and gen.Even
//   - consumer_test.go: crossings as a consumer of their topic sees them
//   - floor_test.go: the floor
//   - verdict_test.go, flink_counter_test.go: what was announced beside what is expected
//   - figures_test.go: the table of what runs cost; stores_test.go: nodes of a Redis
//
// Packages below it: gen makes events, chart draws curves, cmd has two commands that use those,
// peers the other programs. figures holds the tables of the curves and drawings.
package bench
