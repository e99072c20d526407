package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/stream/verify"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

var verifyCommand = &command{
	name: "verify", args: "-config FILE [-from TIME] [-subject KIND/ID]", about: "counts the log again in memory and compares it with Redis",
	more: `Reads all event topics from their start, or from a time on, and compares every
counter and level with what is stored. Differences go to stdout as JSON, one a
line: subject, rule, measure, what differs, want (by the log) and got (in Redis).
With -subject it compares that one, and prints each of its measures and levels,
with agrees true or false, or why it was not compared.
Reports on stderr what could not be compared, and how much: counters that reach
back before the log as it was read, or before a changed pack brought them; levels
of subjects that a rule decided before it was changed; what is fed by events that
were taken in otherwise before cloudevents.types changed; and, for subjects fed by
several partitions, what rests on the order in which those were counted. The config must be that of the service, which may be running: it
is compared at the places where it is. Nothing is written, nothing is published.
Needs about as much memory as the counters take in Redis.
Exit: 0 no difference; 1 there are some, nothing could be compared, or it failed;
2 a fault of flags, config or packs.`,
	flags: func(fs *flag.FlagSet) runner {
		var o verifyOptions
		fs.StringVar(&o.config, "config", "", "the config `file` (needed)")
		fs.Func("from", "the `time` (RFC 3339), by the records' Kafka timestamps, to read from; by default the log's start", o.setFrom)
		fs.Func("subject", "compare the one subject `KIND/ID`, as incident/inc-42, and print what was found, also where it agrees", o.setSubject)
		return o.run
	},
}

type verifyOptions struct {
	config string
	from   time.Time
	only   *verify.Only // nil: all subjects
}

func (o *verifyOptions) setSubject(s string) error {
	name, id, _ := strings.Cut(s, "/")
	kind, ok := thresholds.ParseKind(name)
	if !ok || id == "" {
		return fmt.Errorf("want a kind of subject and an id, as incident/inc-42; kinds are %s", strings.Join(kindNames(), ", "))
	}
	o.only = &verify.Only{Kind: kind, ID: id}
	return nil
}

func kindNames() (names []string) {
	for k := range thresholds.NumKinds {
		names = append(names, k.String())
	}
	return names
}

func (o *verifyOptions) setFrom(s string) (err error) {
	o.from, err = parseTime(s)
	return err
}

func (o *verifyOptions) run(ctx context.Context, s *session, _ []string) error {
	if o.config == "" {
		return &usageError{message: "verify: -config is missing"}
	}
	c, program, err := s.program(o.config, nil)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	store, err := redisstore.New(ctx, c.redis)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // it was only read
	began := time.Now()
	found := &diffPrinter{out: s.out, bar: terminal.NewProgressBar(s.err, 0, "records")}
	if o.only != nil {
		o.only.Told = found.finding
	}
	log, end := c.kafka.Source()
	defer end()
	done, err := verify.Run(ctx, verify.Options{
		Source: log, Events: c.kafka.Events, Program: program, Intake: c.intake, Store: store, Secret: c.key, From: o.from, Only: o.only,
		Progress: found.progress, Found: found.difference, Log: newLog(s.err, "warn", c.logFormat),
	})
	found.bar.Clear()
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if found.err != nil {
		return fmt.Errorf("write output: %w", found.err)
	}
	return summarize(s.err, &done, time.Since(began))
}

// diffPrinter prints differences as they are found.
type diffPrinter struct {
	out io.Writer
	err error // the first of writing
	bar *terminal.ProgressBar
}

func (p *diffPrinter) difference(d verify.Difference) { p.print(d) }

func (p *diffPrinter) finding(f verify.Finding) { p.print(f) }

func (p *diffPrinter) print(found any) {
	line, err := json.Marshal(found)
	if err != nil {
		panic("BUG: a difference that is no JSON: " + err.Error())
	}
	p.bar.Clear()
	if _, err := p.out.Write(append(thresholds.AppendShown(nil, line), '\n')); err != nil && p.err == nil {
		p.err = err
	}
}

func (p *diffPrinter) progress(done, all int64) { p.bar.Part(done, all) }

// summarize prints what was compared, and what was not.
func summarize(w io.Writer, v *verify.Result, took time.Duration) error {
	fmt.Fprintf(w, "verify: %s, %s, %s and %s compared in %s: %s\n",
		humanize.Count(int(v.Records), "record"), humanize.Count(v.Subjects, "subject"), humanize.Count(v.Counters, "counter"), humanize.Count(v.Levels, "level"),
		took.Round(time.Millisecond), humanize.Count(v.Differences, "difference"))
	for r, n := range v.Open {
		if n > 0 {
			fmt.Fprintf(w, "verify: not compared: %s (%s)\n", verify.Reason(r), humanize.Number(n))
		}
	}
	tellEarlier(w, v)
	if v.Shortened {
		fmt.Fprintln(w, "verify: ids were forgotten early (dedupe.max_ids): a difference may be a repeat that was judged otherwise")
	}
	if v.OtherRules {
		fmt.Fprintln(w, "verify: the service counted last by other rules than those of this config: what rests on them is not compared; "+
			"give verify the service's config, or start the service with this one first")
	}
	if v.Nothing() {
		fmt.Fprintln(w, "verify: nothing could be compared: read the log from an earlier time on, or all of it (without -from)")
	}
	if v.Differences > 0 || v.Nothing() {
		return errReported
	}
	return nil
}

// tellEarlier prints which other rules decided parts of the log, and how to see them.
func tellEarlier(w io.Writer, v *verify.Result) {
	for _, e := range v.Earlier {
		until := "until " + e.Until.Format(time.RFC3339)
		if e.Until.IsZero() {
			until = "still"
		}
		if e.Packs == nil {
			fmt.Fprintf(w, "verify: other rules were in force %s, which are not known any more\n", until)
			continue
		}
		var packs []string
		for _, p := range e.Packs {
			packs = append(packs, p.Name+" "+p.Hash[:12])
		}
		fmt.Fprintf(w, "verify: other rules were in force %s: %s (rules -config FILE -hash HASH prints a pack)\n", until, strings.Join(packs, ", "))
	}
}
