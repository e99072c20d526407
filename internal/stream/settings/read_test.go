package settings

import (
	"bytes"
	"errors"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestParseCounted: a store in which nobody has counted is none, and not an error.
func TestParseCounted(t *testing.T) {
	key := "0123456789abcdef"
	for _, x := range []struct {
		name                        string
		shards, fingerprint, starts string // "": absent
		want                        int
		refusal                     string
	}{
		{"nothing", "", "", "", 0, ""},
		{"no fingerprint key", "16", "", "", 0, ""},
		{"no shards", "", key, "", 0, ""},
		{"counted", "16", key, "", 16, ""},
		{"counters that began later", "4", key, "{}", 4, ""},
		{"no number", "x", key, "", 0, `setting shards in the store is "x", not a number`},
		{"no shard", "0", key, "", 0, `setting shards in the store is "0", not a number`},
	} {
		s := Settings{windowstore.NewMem(1)}
		for i, text := range []string{x.shards, x.fingerprint, x.starts} {
			if text != "" {
				if err := s.Store.Put(t.Context(), 0, s.CountedKeys()[i], []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
		}
		values, err := s.Store.Load(t.Context(), 0, s.CountedKeys(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseCounted(values)
		if (x.refusal == "") != (err == nil) || err != nil && !refused(err, x.refusal) {
			t.Errorf("%s: %v, want %q", x.name, err, x.refusal)
		}
		if err == nil && (got.Shards != x.want || string(got.Starts) != x.starts || got.Shards > 0 && string(got.Secret.Bytes()) != key) {
			t.Errorf("%s: %d shards, starts %q", x.name, got.Shards, got.Starts)
		}
	}
	if _, err := ParseCounted([][]byte{[]byte("1"), []byte("short"), nil, nil}); err == nil || errors.As(err, new(*Mismatch)) {
		t.Errorf("a key that is too short: %v", err)
	}
}

// TestCompare: what a store was made with is compared, and nothing is written.
func TestCompare(t *testing.T) {
	s := Settings{windowstore.NewMem(2)}
	f := func(c Chosen, refusal string) {
		t.Helper()
		c.Crossings = "out"
		if err := s.Compare(t.Context(), &c); (refusal == "") != (err == nil) || err != nil && !refused(err, refusal) {
			t.Errorf("%+v: got %v, want %q", c, err, refusal)
		}
	}
	key := func(b byte) *engine.Secret {
		k, err := engine.NewSecret(bytes.Repeat([]byte{b}, 16))
		if err != nil {
			t.Fatal(err)
		}
		return &k
	}
	f(Chosen{Shards: 8, Partitions: 1, Secret: key(1)}, "")
	f(Chosen{Shards: 2, Partitions: 3, Secret: key(2)}, "") // the first one wrote nothing
	if err := s.Shards(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Partitions(t.Context(), "out", 3); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(t.Context(), 2, key(2)); err != nil {
		t.Fatal(err)
	}
	f(Chosen{Shards: 2, Partitions: 3}, "")
	f(Chosen{Shards: 2, Partitions: 5, Secret: key(2)}, "")
	f(Chosen{Shards: 2}, "")
	f(Chosen{Shards: 8, Partitions: 3}, "set redis.shards to 2")
	f(Chosen{Shards: 2, Partitions: 2}, "topic out has 2 partitions, the store was made with 3")
	f(Chosen{Shards: 2, Partitions: 3, Secret: key(1)}, "another fingerprint key")
	if err := s.Store.Put(t.Context(), 0, s.Key(windowstore.SettingPartitions), []byte("x")); err != nil {
		t.Fatal(err)
	}
	f(Chosen{Shards: 2, Partitions: 3}, `is "x", not a number`)
}
