package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/notify"
	"github.com/seed-afe14ff2/aggregator/internal/preflight"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

var checkCommand = &command{
	name: "check", args: "[-config FILE] [-rules FILE]... [-live]", about: "validates the config and the packs, and runs the packs' tests",
	more: `Everything that is wrong is listed at once, as file:line:column: path: message.
Without -live nothing but the files is looked at.
Exit: 0 fine, 2 faults; with -live also 1 if a server is missing or unfit.`,
	flags: func(fs *flag.FlagSet) runner {
		var o checkOptions
		fs.StringVar(&o.config, "config", "", "the config `file`")
		fs.Var(&o.rules, "rules", "a pack's `file` or a built-in pack's name; replaces the config's; may be repeated")
		fs.BoolVar(&o.live, "live", false, "also look at the servers that the config names: topics, permissions, Redis' settings")
		return o.run
	},
}

type checkOptions struct {
	config string
	rules  texts
	live   bool
}

func (o *checkOptions) run(ctx context.Context, s *session, _ []string) error {
	if o.live && o.config == "" {
		return &usageError{message: "check: -live needs -config: the servers are named there"}
	}
	c, bad := s.loadConfig(o.config)
	sinks, wrong := c.openSinks()
	bad = append(bad, wrong...)
	set := loadPacks(c, o.rules)
	for _, w := range slices.Concat(c.warnings, set.warnings, shortWindows(c, set.packs), c.idleSinks(set.packs)) {
		fmt.Fprintln(s.err, w)
	}
	bad = append(bad, set.faults...)
	bad = append(bad, set.test(c)...)
	if len(bad) == 0 && len(set.packs) > 1 { // one alone was compiled for its tests
		if _, err := set.compile(c); err != nil {
			return err
		}
	}
	if err := bad.orNil(); err != nil {
		return err
	}
	if err := printFine(s, set.packs); err != nil || !o.live {
		return err
	}
	return checkLive(ctx, s, c, set.packs, sinks)
}

// printFine says what was checked and is without faults: how much, and the hash of each pack.
func printFine(s *session, packs []*thresholds.Pack) error {
	rules, tests := 0, 0
	var hashes strings.Builder
	for _, p := range packs {
		rules += len(p.Rules)
		tests += len(p.Tests)
		fmt.Fprintf(&hashes, "pack %s: sha256 %s\n", p.Name, p.Hash)
	}
	if _, err := fmt.Fprintf(s.out, "ok: packs %d, rules %d, tests %d passed\n%s", len(packs), rules, tests, hashes.String()); err != nil {
		return err
	}
	for _, p := range packs {
		if len(p.Tests) == 0 {
			fmt.Fprintf(s.err, "hint: %s has no tests, so nothing was counted; docs/rules.md says how to write them\n", p.File)
		}
	}
	return nil
}

// checkLive looks at the servers of a config, and asks its sinks. The packs tell how long events are needed.
func checkLive(ctx context.Context, s *session, c *config, packs []*thresholds.Pack, sinks []*notify.Sink) error {
	site := c.site(s, packs)
	for _, sink := range sinks {
		site.Sinks = append(site.Sinks, preflight.Sink{Name: sink.Name, Reach: sink.Target.Reach})
	}
	if !preflight.Run(ctx, site) {
		return errReported
	}
	return nil
}

// site is the servers of a config and its packs, as they are looked at.
func (c *config) site(s *session, packs []*thresholds.Pack) *preflight.Options {
	return &preflight.Options{
		Kafka: c.kafka, Login: c.login, Intake: c.intake, Redis: c.redis, Shards: c.shards, Secret: c.key, Packs: packs, Retention: c.retention,
		Out: s.out, Err: s.err,
	}
}
