package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/packdiff"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// reloader has a running service take changed packs: at SIGHUP, at a POST, and when the bytes of a pack's file change. It belongs to the
// goroutine of run, so one reload is made after the other.
type reloader struct {
	session *session
	file    string  // the config
	config  *config // as the service was started with
	log     *slog.Logger
	asked   chan chan<- answer // POSTs that wait

	seen  string // digest of the packs' files as they were last read
	packs []*thresholds.Pack
	rules rulesKeys
	take  func(ctx context.Context, r *reloaded) error             // has the service decide by packs, and shows them
	open  func(ctx context.Context, rules []string) map[string]int // counts open episodes; nil: they cannot be counted
	fault func(faults string)                                      // tells why packs are not in force; "": they are
}

// reloaded is packs without faults, compiled.
type reloaded struct {
	program *engine.Program
	set     *packSet
}

// newReloader is for a service that decides by packs, which were read after a digest of their files.
func newReloader(s *session, file string, c *config, set *packSet, digest string, log *slog.Logger) *reloader {
	quiet := *s
	quiet.err = discarded{} // what is odd about the environment was said at the start
	return &reloader{session: &quiet, file: file, config: c, log: log, asked: make(chan chan<- answer), seen: digest, packs: set.packs, rules: c.rulesKeys}
}

// discarded takes what nobody is to read.
type discarded struct{}

func (discarded) Write(b []byte) (int, error) { return len(b), nil }

// run reloads at each SIGHUP, and when files change, until ctx ends.
func (r *reloader) run(ctx context.Context, h hangups) {
	for ctx.Err() == nil {
		var look <-chan time.Time
		if r.rules.poll > 0 {
			look = time.After(r.rules.poll)
		}
		select {
		case <-ctx.Done():
			return
		case <-h:
			r.log.Info("SIGHUP: reading the rules again")
			_, _ = r.reload(ctx)
		case done := <-r.asked:
			r.log.Info("POST /-/reload: reading the rules again")
			changes, err := r.reload(ctx)
			done <- answer{changes, err}
		case <-look:
			if r.changed(ctx) {
				r.log.Info("files of packs have changed: reading the rules again")
				_, _ = r.reload(ctx)
			}
		}
	}
}

// settled is how long the files of packs must stay as they are until they are read: who writes them may not be done.
const settled = time.Second

// changed reports whether the files of packs are others than those that were read last, and stay so for a moment.
func (r *reloader) changed(ctx context.Context) bool {
	first := r.rules.digest()
	if first == r.seen {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(settled):
	}
	return r.rules.digest() == first
}

// reload reads the packs again. Without faults it has the service decide by them, and returns what has changed.
func (r *reloader) reload(ctx context.Context) (*packdiff.Difference, error) {
	next, err := r.read(ctx)
	var changes *packdiff.Difference
	if err == nil {
		changes, err = r.enact(ctx, next)
	}
	var bad faults
	switch {
	case err == nil:
		r.fault("")
	case errors.As(err, &bad):
		r.fault(bad.Error())
		r.log.Error("rules have faults: those of before stay in force", "faults", bad.Error())
		return nil, err
	default:
		return nil, err // the process ends, or whoever asked waits no longer
	}
	if samePacks(r.packs, next.set.packs) {
		r.log.Info("rules read again: nothing has changed")
		return changes, nil
	}
	r.packs = next.set.packs
	names, hashes, rules := loadedRules(next.program)
	added, removed, changed, anew, open := changes.Lines()
	r.log.Info("rules reloaded", "added", added, "removed", removed, "changed", changed, "counters_anew", anew, "episodes_left_open", open,
		"packs", names, "pack_hashes", hashes, "rules", rules)
	return changes, nil
}

const (
	// loadTries is how often packs are read again that are written meanwhile.
	loadTries = 10
	// loadPause is how long it is until then.
	loadPause = 100 * time.Millisecond
)

// load reads packs as they are at one moment: files may be written while they are read, one after the other.
func (r *reloader) load(ctx context.Context, c *config) (*packSet, error) {
	for range loadTries {
		r.seen = c.digest()
		set := loadPacks(c, nil)
		if c.digest() == r.seen {
			return set, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(loadPause):
		}
	}
	return nil, faults{"files of packs are written all the time: they could not be read as they are at one moment"}
}

// read reads the config's key rules, and the packs that it names. Faults are those that check would list.
func (r *reloader) read(ctx context.Context) (*reloaded, error) {
	c, bad := r.session.loadConfig(r.file)
	if keys := c.given.differing(r.config.given); len(keys) > 0 {
		r.log.Warn("keys of the config have changed that are read at the start: restart for them", "keys", strings.Join(keys, ", "))
	}
	used := *r.config
	if len(bad) == 0 {
		r.rules = c.rulesKeys
	}
	used.rulesKeys = r.rules
	set, err := r.load(ctx, &used)
	if err != nil {
		return nil, err
	}
	bad = append(bad, set.faults...)
	tested := set.test(&used)
	if used.tests != "warn" {
		bad, tested = append(bad, tested...), nil
	}
	if err := bad.orNil(); err != nil {
		return nil, err
	}
	for _, w := range slices.Concat(set.warnings, shortWindows(&used, set.packs)) {
		r.log.Warn("config or packs could be safer", "problem", w)
	}
	for _, fault := range tested {
		r.log.Warn("test of a pack fails: the pack is used all the same, as rules.tests says", "problem", fault)
	}
	program, err := set.compile(&used)
	if err != nil {
		return nil, err
	}
	return &reloaded{program, set}, nil
}

// enact has the service decide by packs, unless it does. It returns what that changes. Open episodes are counted before: what lists them
// goes by the rules in force.
func (r *reloader) enact(ctx context.Context, next *reloaded) (*packdiff.Difference, error) {
	changes := packdiff.Of(r.packs, next.set.packs)
	if samePacks(r.packs, next.set.packs) {
		return changes, nil
	}
	if silenced := packdiff.Silenced(r.packs, next.set.packs); len(silenced) > 0 {
		changes.Open = r.open(ctx, silenced)
	}
	err := r.take(ctx, next)
	if err != nil && ctx.Err() == nil {
		return nil, faults{err.Error()}
	}
	return changes, err
}

func samePacks(a, b []*thresholds.Pack) bool {
	return slices.EqualFunc(a, b, func(x, y *thresholds.Pack) bool { return x.Hash == y.Hash })
}
