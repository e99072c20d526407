//go:build linux

package bench

import (
	"flag"
	"time"
)

var (
	events = flag.Int("events", 2_000_000, "events of a backlog")
	runs   = flag.Int("runs", 3, "runs of each system on a backlog; the median is shown")
	span   = flag.Duration("span", 3*time.Hour, "the time that a backlog covers; by default as in the measurements of the peers")
	rate   = flag.Int("rate", 100_000, "events a second of a paced run")
	length = flag.Duration("length", 20*time.Second, "length of a paced run")
)

// job is a pack and the events it is for.
type job struct {
	name  string
	pack  string // its file; "": the built-in pack
	only  string // the one rule of the pack that is taken, for inProcess; "": all
	cache string // cache_bytes; "": the default
	// unlisted: nothing is listed as near a limit.
	unlisted bool
	// distinct is the measure, the rule of the same name, whose values add up to the
	// members stored; "": not counted.
	distinct string
}

var (
	plain     = job{name: "plain", pack: "testdata/plain.yaml", distinct: "accounts"}
	byDefault = job{name: "default"}
	small     = job{name: "small", pack: "testdata/small.yaml", distinct: "incidents"}
	// held is small with room for all its subjects in memory.
	smallCached = job{name: "small, cache 512 MiB", pack: "testdata/small.yaml", distinct: "incidents", cache: "512MiB"}
)
