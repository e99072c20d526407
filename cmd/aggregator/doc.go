// Command aggregator counts how content spreads, from events in Kafka, and
// announces every legal threshold that is approached or reached.
//
// This package is wiring only: one file per subcommand, the config and the flags,
// and the order in which things start and stop. `aggregator help` lists the
// subcommands. Data goes to stdout, everything else to stderr.
package main
