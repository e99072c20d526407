package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/inforce"
	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// keptPacks lists or prints the packs that were ever in force for a store.
type keptPacks struct {
	config, hash string
}

func (o *keptPacks) run(ctx context.Context, s *session, args []string) error {
	switch {
	case o.config == "":
		return &usageError{message: "rules: -hash needs -config, for the store that has the pack"}
	case len(args) > 0:
		return &usageError{message: "rules: PACK is a built-in pack; -config and -hash are for packs that were in force"}
	}
	c, bad := s.loadConfig(o.config)
	if err := bad.orNil(); err != nil {
		return err
	}
	store, err := redisstore.New(ctx, c.redis)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // it was only read
	x, err := inforce.Kept{Store: store}.Index(ctx)
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	if o.hash == "" {
		_, err := s.out.Write(appendKept(nil, &x))
		return err
	}
	return o.print(ctx, s, store, &x)
}

// print prints the one pack whose hash begins so.
func (o *keptPacks) print(ctx context.Context, s *session, store *redisstore.Store, x *inforce.Index) error {
	var found []string
	for hash := range x.Packs {
		if strings.HasPrefix(hash, strings.ToLower(o.hash)) {
			found = append(found, hash)
		}
	}
	var text []byte
	if len(found) == 1 {
		var err error
		if text, err = inforce.Text(ctx, store, found[0]); err != nil {
			return fmt.Errorf("rules: %w", err)
		}
	}
	if text == nil {
		fmt.Fprintf(s.err, "rules: %s; in force were\n%s", o.lacking(found), appendKept(nil, x))
		return errReported
	}
	_, err := s.out.Write(text)
	return err
}

// lacking is why no pack can be printed.
func (o *keptPacks) lacking(found []string) string {
	switch len(found) {
	case 0:
		return fmt.Sprintf("no pack of hash %s was in force", o.hash)
	case 1:
		return fmt.Sprintf("the text of the pack of hash %s is gone from the store", o.hash)
	}
	return fmt.Sprintf("%d packs have a hash that begins with %s", len(found), o.hash)
}

// appendKept appends a line for each pack, those that came first first.
func appendKept(dst []byte, x *inforce.Index) []byte {
	type line struct {
		hash string
		inforce.KeptPack
	}
	var lines []line
	for hash, p := range x.Packs {
		lines = append(lines, line{hash, p})
	}
	slices.SortFunc(lines, func(a, b line) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Name, b.Name), cmp.Compare(a.hash, b.hash))
	})
	for _, l := range lines {
		dst = fmt.Appendf(dst, "%s  %s  since %s\n", l.hash, l.Name, l.Since.Format(time.RFC3339))
	}
	return dst
}
