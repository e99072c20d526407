package inforce

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Kept is what a store keeps of all rules that were ever in force. Nothing of it is deleted.
type Kept struct{ Store windowstore.Store }

// Index is the rules that were ever in force, by their ids, and their packs, by their hashes.
type Index struct {
	Rules map[string]Rules    `json:"rules"`
	Packs map[string]KeptPack `json:"packs"`
}

// KeptPack is a pack whose text is kept.
type KeptPack struct {
	Name  string    `json:"pack"`
	Since time.Time `json:"since"` // when it was first in force
}

// ParseIndex reads an index as it is stored; nil: there is none.
func ParseIndex(b []byte) (Index, error) {
	x := Index{Rules: map[string]Rules{}, Packs: map[string]KeptPack{}}
	if b == nil {
		return x, nil
	}
	if err := json.Unmarshal(b, &x); err != nil || x.Rules == nil || x.Packs == nil {
		return x, fmt.Errorf("read setting %s of the store: %w", windowstore.SettingRules, cmp.Or(err, errNoIndex))
	}
	return x, nil
}

// errNoIndex is JSON that lacks a member.
var errNoIndex = errors.New("rules or packs is missing")

// Index reads the index.
func (k Kept) Index(ctx context.Context) (Index, error) {
	x, _, err := k.read(ctx)
	return x, err
}

// read reads the index, also as it is stored.
func (k Kept) read(ctx context.Context) (Index, []byte, error) {
	values, err := k.Store.Load(ctx, 0, [][]byte{settings.Settings(k).Key(windowstore.SettingRules)}, nil)
	if err != nil {
		return Index{}, nil, err
	}
	x, err := ParseIndex(values[0])
	return x, values[0], err
}

// Keep keeps rules and the texts of their packs. The texts come first: what the index names is there.
func (k Kept) Keep(ctx context.Context, r *Rules, packs []*thresholds.Pack, now time.Time) error {
	for _, p := range packs {
		if _, err := k.Store.PutAbsent(ctx, 0, k.Store.Keys().AppendPackKey(nil, p.Hash), p.Text); err != nil {
			return err
		}
	}
	for { // until nobody else wrote it meanwhile
		x, stored, err := k.read(ctx)
		if err != nil || !x.add(r, now) {
			return err
		}
		text, err := json.Marshal(&x)
		if err != nil {
			panic("BUG: an index that is no JSON: " + err.Error())
		}
		if done, err := settings.Settings(k).Replace(ctx, windowstore.SettingRules, stored, text); err != nil || done {
			return err
		}
	}
}

// add puts rules into the index. It reports whether they were not there.
func (x *Index) add(r *Rules, now time.Time) bool {
	if _, ok := x.Rules[r.ID()]; ok {
		return false
	}
	x.Rules[r.ID()] = *r
	for _, p := range r.Packs {
		if _, ok := x.Packs[p.Hash]; !ok {
			x.Packs[p.Hash] = KeptPack{p.Name, now.UTC().Truncate(time.Second)}
		}
	}
	return true
}

// Text is the text of a pack, by its hash; nil: it is not kept.
func Text(ctx context.Context, store windowstore.Store, hash string) ([]byte, error) {
	values, err := store.Load(ctx, 0, [][]byte{store.Keys().AppendPackKey(nil, hash)}, nil)
	if err != nil {
		return nil, err
	}
	return values[0], nil
}
