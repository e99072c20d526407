// Command aggregator counts how content spreads, from events in Kafka, and announces every legal
// threshold that is approached or reached.
//
// This package is the command line: one file per subcommand, which reads flags, config and packs,
// calls a package and prints the result. run.go has the order in which the service starts and
// stops. What is counted, served, drawn or checked is in the packages below internal. `aggregator
// help` lists the subcommands. Data goes to stdout, everything else to stderr.
package main
