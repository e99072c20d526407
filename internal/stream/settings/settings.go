package settings

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Settings are those of one store. All stand in shard 0; the fingerprint key stands in every shard.
type Settings struct{ Store windowstore.Store }

// Mismatch is a stored setting with which a service cannot go on. Trying again does not mend it.
type Mismatch struct{ Err error }

func (m *Mismatch) Error() string { return m.Err.Error() }
func (m *Mismatch) Unwrap() error { return m.Err }

func mismatch(format string, args ...any) error { return &Mismatch{fmt.Errorf(format, args...)} }

// Key is where a setting stands.
func (s Settings) Key(name string) []byte { return s.Store.Keys().AppendMetaKey(nil, 0, name) }

// TopicKey is where the id of an event topic stands.
func (s Settings) TopicKey(topic string) []byte { return s.Store.Keys().AppendTopicKey(nil, topic) }

// Kept are the settings that a running service looks after.
var Kept = [...]string{
	windowstore.SettingOwner, windowstore.SettingCounters, windowstore.SettingShards, windowstore.SettingPartitions, windowstore.SettingBegins,
	windowstore.SettingRules,
}

// number is the stored number. The first process stores its own value.
func (s Settings) number(ctx context.Context, name string, value int) (int, error) {
	b, err := s.Store.PutAbsent(ctx, 0, s.Key(name), strconv.AppendInt(nil, int64(value), 10))
	if err != nil {
		return 0, err
	}
	return parseNumber(name, b)
}

func parseNumber(name string, text []byte) (int, error) {
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return 0, mismatch("setting %s in the store is %q, not a number", name, text)
	}
	return n, nil
}

// Shards refuses a store that was made with another number of shards.
func (s Settings) Shards(ctx context.Context, wanted int) error {
	n, err := s.number(ctx, windowstore.SettingShards, wanted)
	if err != nil {
		return err
	}
	return fitsShards(n, wanted)
}

func fitsShards(n, wanted int) error {
	if n == wanted {
		return nil
	}
	return mismatch("the store was made with %d shards, the configuration says %d: set redis.shards to %d, or use another redis.prefix", n, wanted, n)
}

// Partitions is the number of partitions over which crossings are spread, for a topic that has so
// many. It stays when the topic grows, and the topic may not have fewer.
func (s Settings) Partitions(ctx context.Context, topic string, has int) (int, error) {
	n, err := s.number(ctx, windowstore.SettingPartitions, has)
	if err != nil {
		return n, err
	}
	return n, fitsPartitions(n, topic, has)
}

func fitsPartitions(n int, topic string, has int) error {
	if has >= n {
		return nil
	}
	return mismatch("topic %s has %d partitions, the store was made with %d: crossings would change their partition; make the topic with %d", topic, has, n, n)
}

// Secret is the key of the fingerprints: the wanted one; nil: the stored one, which the first process makes. Every shard holds
// it, so that a shard filled with another key is noticed.
func (s Settings) Secret(ctx context.Context, shards int, wanted *engine.Secret) (engine.Secret, error) {
	key := make([]byte, 16)
	if wanted != nil {
		key = wanted.Bytes()
	} else if _, err := rand.Read(key); err != nil {
		return engine.Secret{}, err
	}
	for n := range shards {
		b, err := s.Store.PutAbsent(ctx, n, s.Store.Keys().AppendMetaKey(nil, n, windowstore.SettingFingerprint), key)
		if err != nil {
			return engine.Secret{}, err
		}
		if n == 0 && wanted == nil && len(b) == len(key) {
			key = b
		}
		if err := fitsKey(n, b, key); err != nil {
			return engine.Secret{}, err
		}
	}
	return engine.NewSecret(key)
}

func fitsKey(shard int, stored, key []byte) error {
	if bytes.Equal(stored, key) {
		return nil
	}
	return mismatch("shard %d of the store was filled with another fingerprint key: restore the key (privacy.key_file), or use another redis.prefix", shard)
}

// Topic stores the id of a topic, if none is stored, and reports whether it is the stored one.
func (s Settings) Topic(ctx context.Context, topic string, id fetch.TopicID) (same bool, err error) {
	text := hex.AppendEncode(nil, id[:])
	b, err := s.Store.PutAbsent(ctx, 0, s.TopicKey(topic), text)
	return string(b) == string(text), err
}

// Replace writes a setting in place of what was read; nil: of nothing. It reports whether the setting is the new one now.
// Comparing and writing are one step.
func (s Settings) Replace(ctx context.Context, name string, read, to []byte) (done bool, err error) {
	res, err := s.Store.Commit(ctx, 0, &windowstore.Commit{Fences: []windowstore.Fence{{Key: s.Key(name), From: read, To: to}}})
	if err != nil {
		return false, err
	}
	return res.Outcome == windowstore.Done || bytes.Equal(res.Fences[0].Value, to), nil
}

// Made is what a running service knows that its store was made with, except the fingerprint key and the counters' starts.
type Made struct {
	Owner, Begins      []byte // as they are stored
	Shards, Partitions int
	Topics             map[string]fetch.TopicID // ids of the event topics
}

// Rewrite puts back what of it the store has lost. A store that has another owner by now is left as it is, and done is false.
func (s Settings) Rewrite(ctx context.Context, m *Made) (done bool, err error) {
	if done, err := s.Replace(ctx, windowstore.SettingOwner, nil, m.Owner); err != nil || !done {
		return false, err
	}
	if _, err := s.number(ctx, windowstore.SettingShards, m.Shards); err != nil {
		return false, err
	}
	if _, err := s.number(ctx, windowstore.SettingPartitions, m.Partitions); err != nil {
		return false, err
	}
	for topic, id := range m.Topics {
		if _, err := s.Topic(ctx, topic, id); err != nil {
			return false, err
		}
	}
	_, err = s.Store.PutAbsent(ctx, 0, s.Key(windowstore.SettingBegins), m.Begins)
	return err == nil, err
}
