// Package demo shows the program at work with nothing else installed: a Kafka broker, a store and
// the service in one process, and incidents that are made up.
//
// world.go and events.go tell the story: incidents begin, spread and fade, and give events. feed.go
// sends them at a rate to the broker of broker.go, a fake one that keeps a few megabytes. The
// service is the real one. What is shown comes from where a user would look. Crossings come from
// their topic (tap.go), figures from the metrics (figures.go), and how near subjects are to a limit
// from the store (nearest.go). On a terminal it is drawn (screen.go, picture.go, rows.go); elsewhere it
// is lines (plain.go). The board and its API are served, too.
//
// At the end all is counted again by the oracle of internal/oracle (recount.go), from the log as a consumer of its own read it
// (journal.go), and compared with what the service stored and announced.
//
// The fake broker is linked into this package alone.
package demo
