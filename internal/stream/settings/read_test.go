package settings

import (
	"errors"
	"testing"

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
	if _, err := ParseCounted([][]byte{[]byte("1"), []byte("short"), nil}); err == nil || errors.As(err, new(*Mismatch)) {
		t.Errorf("a key that is too short: %v", err)
	}
}
