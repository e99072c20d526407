package settings

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// refused reports whether an error is a mismatch that names a text.
func refused(err error, text string) bool {
	var m *Mismatch
	return errors.As(err, &m) && strings.Contains(err.Error(), text)
}

// TestShards: a store keeps the number of shards that it was made with.
func TestShards(t *testing.T) {
	s := Settings{windowstore.NewMem(1)}
	for range 2 {
		if err := s.Shards(t.Context(), 16); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Shards(t.Context(), 8); !refused(err, "set redis.shards to 16") {
		t.Errorf("8 shards: %v", err)
	}
	if err := s.Store.Put(t.Context(), 0, s.Key(windowstore.SettingShards), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Shards(t.Context(), 16); !refused(err, `is "x", not a number`) {
		t.Errorf("no number: %v", err)
	}
}

// TestPartitions: crossings stay in the partitions that they were in when the topic grows.
func TestPartitions(t *testing.T) {
	s := Settings{windowstore.NewMem(1)}
	f := func(has, want int, refusal string) {
		t.Helper()
		got, err := s.Partitions(t.Context(), "out", has)
		if (refusal == "") != (err == nil) || err == nil && got != want || err != nil && !refused(err, refusal) {
			t.Errorf("a topic of %d: spread over %d, %v", has, got, err)
		}
	}
	f(3, 3, "")
	f(5, 3, "")
	f(2, 0, "make the topic with 3")
}

// TestSecret: the first process makes the key, every shard holds it, and another one is refused.
func TestSecret(t *testing.T) {
	s := Settings{windowstore.NewMem(2)}
	made, err := s.Secret(t.Context(), 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []*engine.Secret{nil, &made} {
		if got, err := s.Secret(t.Context(), 2, wanted); err != nil || got != made {
			t.Errorf("read again: %v, %v", got == made, err)
		}
	}
	if _, err := s.Secret(t.Context(), 2, &engine.Secret{K0: 1}); !refused(err, "shard 0 of the store was filled with another") {
		t.Errorf("another key: %v", err)
	}
	if err := s.Store.Put(t.Context(), 1, s.Store.Keys().AppendMetaKey(nil, 1, windowstore.SettingFingerprint), bytes.Repeat([]byte{7}, 16)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(t.Context(), 2, nil); !refused(err, "shard 1 of the store was filled with another") {
		t.Errorf("a shard with another key: %v", err)
	}
}

// TestReplace: a setting is replaced only where it is what was read, or where it is the new one already.
func TestReplace(t *testing.T) {
	s := Settings{windowstore.NewMem(1)}
	f := func(read, to string, want bool) {
		t.Helper()
		var in []byte
		if read != "" {
			in = []byte(read)
		}
		if done, err := s.Replace(t.Context(), windowstore.SettingOwner, in, []byte(to)); err != nil || done != want {
			t.Errorf("%q by %q: %v, %v, want %v", read, to, done, err, want)
		}
	}
	f("", "a", true)
	f("", "b", false)
	f("a", "b", true)
	f("a", "b", true)
	f("a", "c", false)
}

// TestRewrite: the settings are written again to a store that lost everything. A store with another
// owner is left alone.
func TestRewrite(t *testing.T) {
	made := &Made{Owner: []byte("me"), Begins: []byte("{}"), Shards: 4, Partitions: 3, Topics: map[string]fetch.TopicID{"events": {1, 2}}}
	s := Settings{windowstore.NewMem(1)}
	if done, err := s.Rewrite(t.Context(), made); !done || err != nil {
		t.Fatal(done, err)
	}
	for id, want := range map[fetch.TopicID]bool{{1, 2}: true, {3}: false} {
		if same, err := s.Topic(t.Context(), "events", id); err != nil || same != want {
			t.Errorf("id %v: the stored one %v, error %v; want %v", id[:2], same, err, want)
		}
	}
	var keys [][]byte
	for _, name := range Kept {
		keys = append(keys, s.Key(name))
	}
	values, err := s.Store.Load(t.Context(), 0, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"me", "", "4", "3", "{}", ""} { // since when counters are kept, and the rules, are others' to write
		if string(values[i]) != want {
			t.Errorf("setting %s: %q, want %q", Kept[i], values[i], want)
		}
	}

	other := Settings{windowstore.NewMem(1)}
	if err := other.Store.Put(t.Context(), 0, other.Key(windowstore.SettingOwner), []byte("other")); err != nil {
		t.Fatal(err)
	}
	if done, err := other.Rewrite(t.Context(), made); done || err != nil {
		t.Errorf("a store of another: %v, %v", done, err)
	}
	if b, err := other.Store.Load(t.Context(), 0, [][]byte{other.Key(windowstore.SettingShards)}, nil); err != nil || b[0] != nil {
		t.Errorf("a store of another was written: %q, %v", b, err)
	}
}
