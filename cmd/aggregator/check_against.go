package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// before reads the packs of -against; nil: that was not asked for.
func (o *checkOptions) before(ctx context.Context, c *config) (*packSet, error) {
	if len(o.against) == 0 {
		return nil, nil
	}
	before := &packSet{}
	for _, name := range o.against {
		if err := o.old(ctx, c, before, name); err != nil {
			return nil, err
		}
	}
	for _, f := range thresholds.Unique(before.packs) {
		before.faults = append(before.faults, f.String())
	}
	if err := before.faults.orNil(); err != nil {
		return nil, err
	}
	return before, nil
}

// hashStart is the begin of a pack's hash, long enough that no built-in pack is called so.
var hashStart = regexp.MustCompile(`^[0-9a-fA-F]{6,64}$`)

// old reads what -against names. A file or a directory goes before a built-in pack, and that before a hash.
func (o *checkOptions) old(ctx context.Context, c *config, set *packSet, name string) error {
	info, err := os.Stat(name)
	_, builtin := thresholds.Builtin(name)
	switch {
	case err == nil && info.IsDir():
		return set.directory(name, c.members)
	case err != nil && !builtin && hashStart.MatchString(name):
		if o.config == "" {
			return &usageError{message: fmt.Sprintf("check: -against %s: a hash needs -config, for the store that has the pack", name)}
		}
		return set.kept(ctx, c, name)
	case err != nil && !builtin && !strings.ContainsAny(name, `/\.`):
		set.faults = append(set.faults, fmt.Sprintf("-against %s: there is no such file, and %s", name, noBuiltin(name)))
	case err == nil || !builtin:
		set.file("-against", name, c.members)
	default:
		set.named(name, c.members)
	}
	return nil
}

// directory reads all packs of a directory.
func (set *packSet) directory(name string, members int) error {
	entries, err := os.ReadDir(name)
	if err != nil {
		return fmt.Errorf("check: read -against: %w", err)
	}
	n := 0
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			set.file("-against", filepath.Join(name, e.Name()), members)
			n++
		}
	}
	if n == 0 {
		set.faults = append(set.faults, fmt.Sprintf("-against %s: the directory has no packs: their names end in .yaml or .yml", name))
	}
	return nil
}

// kept reads the one pack that was in force and whose hash begins so.
func (set *packSet) kept(ctx context.Context, c *config, start string) error {
	store, err := redisstore.New(ctx, c.redis)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // it was only read
	x, err := inforce.Kept{Store: store}.Index(ctx)
	if err != nil {
		return fmt.Errorf("check: read -against: %w", err)
	}
	var found []string
	for hash := range x.Packs {
		if strings.HasPrefix(hash, strings.ToLower(start)) {
			found = append(found, hash)
		}
	}
	slices.Sort(found)
	var text []byte
	if len(found) == 1 {
		if text, err = inforce.Text(ctx, store, found[0]); err != nil {
			return fmt.Errorf("check: read -against: %w", err)
		}
	}
	if text == nil {
		kept := keptPacks{hash: start}
		set.faults = append(set.faults, fmt.Sprintf("-against %s: %s", start, kept.lacking(found)))
		return nil
	}
	set.parse(found[0], text, c.members)
	return nil
}
