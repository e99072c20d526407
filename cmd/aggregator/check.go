package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/notify"
	"github.com/seed-afe14ff2/aggregator/internal/packdiff"
	"github.com/seed-afe14ff2/aggregator/internal/preflight"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

var checkCommand = &command{
	name: "check", args: "[-config FILE] [-rules FILE]... [-against OLD] [-live] [-o text|junit|tap|json]", about: "validates the config and the packs, and runs the packs' tests",
	more: `Everything that is wrong is listed at once, as file:line:column: path: message.
Without -live nothing but the files is looked at.
With -against what would change is printed: rules that come and go, limits and levels old and new, and counters that begin anew, and why.
With -live as well, which subjects are over the new limits already, of those that are listed as near a limit.
OLD is a pack's file, a directory of them, a built-in pack, or with -config the begin of the hash of a pack that was in force.
With -o the tests and faults are printed for programs: junit and tap as their readers know them.
Exit: 0 fine, 2 faults; with -live also 1 if a server is missing or unfit.`,
	flags: func(fs *flag.FlagSet) runner {
		var o checkOptions
		fs.StringVar(&o.config, "config", "", "the config `file`")
		fs.Var(&o.rules, "rules", "a pack's `file` or a built-in pack's name; replaces the config's; may be repeated")
		fs.Var(&o.against, "against", "say what would change: `OLD` is a file, a directory, a built-in pack or a hash; may be repeated")
		fs.StringVar(&o.form, "o", "text", "`form` of what is printed: text, junit, tap or json")
		fs.BoolVar(&o.live, "live", false, "also look at the servers that the config names: topics, permissions, Redis' settings")
		return o.run
	},
}

type checkOptions struct {
	config  string
	rules   texts
	against texts
	form    string
	live    bool
}

func (o *checkOptions) run(ctx context.Context, s *session, _ []string) error {
	switch {
	case o.live && o.config == "":
		return &usageError{message: "check: -live needs -config: the servers are named there"}
	case !slices.Contains(checkForms, o.form):
		return &usageError{message: fmt.Sprintf("check: -o %q is not one of %s", o.form, strings.Join(checkForms, ", "))}
	case o.live && o.form != "text":
		return &usageError{message: "check: -live is for people: leave -o out"}
	}
	c, bad := s.loadConfig(o.config)
	sinks, wrong := c.openSinks()
	bad = append(bad, wrong...)
	set := loadPacks(c, o.rules)
	warnings := slices.Concat(c.warnings, set.warnings, shortWindows(c, set.packs), c.idleSinks(set.packs))
	for _, w := range warnings {
		fmt.Fprintln(s.err, w)
	}
	bad = append(bad, set.faults...)
	failing := set.test(c)
	if len(bad)+len(failing) == 0 && len(set.packs) > 1 { // one alone was compiled for its tests
		if _, err := set.compile(c); err != nil {
			bad = append(bad, err.Error())
		}
	}
	report := checkReport{set: set, faults: slices.Concat(bad, set.untested), warnings: warnings}
	bad = append(bad, failing...)
	var changes *packdiff.Difference
	before, err := o.before(ctx, c)
	if err != nil {
		return err
	}
	if before != nil && len(bad) == 0 {
		changes = packdiff.Of(before.packs, set.packs)
	}
	if o.form != "text" {
		report.changes = changes
		if err := report.print(s.out, o.form); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return bad.orNil()
	}
	if err := bad.orNil(); err != nil {
		return err
	}
	if err := printFine(s, set.packs, changes); err != nil || !o.live {
		return err
	}
	if changes != nil {
		if err := overNow(ctx, s, c, before, set, changes); err != nil {
			return err
		}
	}
	return checkLive(ctx, s, c, set.packs, sinks)
}

// printFine says what was checked and is without faults: how much, the hash of each pack, and what would change, if that was asked for.
func printFine(s *session, packs []*thresholds.Pack, changes *packdiff.Difference) error {
	rules, tests := 0, 0
	var hashes strings.Builder
	for _, p := range packs {
		rules += len(p.Rules)
		tests += len(p.Tests)
		fmt.Fprintf(&hashes, "pack %s: sha256 %s\n", p.Name, p.Hash)
	}
	text := fmt.Sprintf("ok: packs %d, rules %d, tests %d passed\n%s", len(packs), rules, tests, hashes.String())
	if changes != nil {
		text += changes.Text()
	}
	if _, err := io.WriteString(s.out, text); err != nil {
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
