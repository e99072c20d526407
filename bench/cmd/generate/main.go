// Command generate writes made events to stdout, one a line, for kcat, Kafka's console producer or aggregator replay:
//
//	generate -events 2000000 -key | kcat -P -b 127.0.0.1:9092 -t dissemination-events -K '\t'
//
// With -partition it writes the records of one partition only. Kafka timestamps are not in the output, so -ahead is of use only to a
// reader with a clock of its own. A malformed record may hold bytes that are not UTF-8, but no newline and no tab.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
)

// options are what is printed of what is made.
type options struct {
	config    gen.Config
	key       bool // put the key and a tab before each value
	partition int  // below 0: all
}

func main() {
	opt, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2) // the flag package has said why
	}
	if err := write(os.Stdout, opt); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opt options
	c := &opt.config
	f := flag.NewFlagSet("generate", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Uint64Var(&c.Seed, "seed", 42, "the same seed gives the same events")
	f.IntVar(&c.Events, "events", 1_000_000, "records in all, repeats among them")
	f.IntVar(&c.Incidents, "incidents", 1_000, "number of incidents")
	f.IntVar(&c.Accounts, "accounts", 200_000, "number of readers")
	f.IntVar(&c.Partitions, "partitions", 12, "number of partitions that repeats are spaced for")
	f.TextVar(&c.Start, "start", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "time of the first event, RFC 3339")
	f.DurationVar(&c.Span, "span", 48*time.Hour, "time from the first event to the last")
	f.DurationVar(&c.Jitter, "jitter", 5*time.Second, "how much events are out of order")
	f.Float64Var(&c.Repeats, "repeats", 0.01, "share of records sent again")
	f.Float64Var(&c.Late, "late", 0, "share of events that are 800 days old")
	f.Float64Var(&c.Malformed, "malformed", 0, "share of records that are no event")
	f.Float64Var(&c.Ahead, "ahead", 0, "share of events 6 min and more past their record")
	f.BoolVar(&opt.key, "key", false, "write key, tab, value")
	f.IntVar(&opt.partition, "partition", -1, "write this partition only")
	if err := f.Parse(args); err != nil {
		return opt, err
	}
	if c.Repeats == 0 {
		c.Repeats = -1 // none; 0 would be the default
	}
	return opt, nil
}

// write makes the events and prints those asked for.
func write(to io.Writer, opt options) error {
	out := bufio.NewWriterSize(to, 1<<20)
	g := gen.New(opt.config)
	var r gen.Record
	var line []byte
	for g.Next(&r) {
		if opt.partition >= 0 && r.Partition != opt.partition {
			continue
		}
		line = line[:0]
		if opt.key {
			line = append(append(line, r.Key...), '\t')
		}
		line = append(append(line, r.Value...), '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write events: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}
