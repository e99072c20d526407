package settings

import (
	"context"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Counted is how the counts of a store are read, for those who only read them.
type Counted struct {
	Shards int // 0: no service has counted there
	Secret engine.Secret
	Starts []byte // since when counters are kept, as it is stored; nil: all were from the start
	Rules  []byte // the rules that were ever in force, as they are stored; nil: a version that kept none has counted
}

// CountedKeys are the keys of what ParseCounted reads, all of shard 0.
func (s Settings) CountedKeys() [][]byte {
	return [][]byte{s.Key(windowstore.SettingShards), s.Key(windowstore.SettingFingerprint), s.Key(windowstore.SettingCounters), s.Key(windowstore.SettingRules)}
}

// ParseCounted reads the values of CountedKeys.
func ParseCounted(values [][]byte) (c Counted, err error) {
	shards, fingerprint := values[0], values[1]
	if shards == nil || fingerprint == nil {
		return c, nil
	}
	if c.Shards, err = parseNumber(windowstore.SettingShards, shards); err != nil {
		return c, err
	}
	if c.Shards < 1 {
		return c, mismatch("setting %s in the store is %q, not a number", windowstore.SettingShards, shards)
	}
	c.Secret, err = engine.NewSecret(fingerprint)
	c.Starts, c.Rules = values[2], values[3]
	return c, err
}

// Chosen is what a service is started with and must not change.
type Chosen struct {
	Shards     int
	Secret     *engine.Secret // nil: that of the store
	Crossings  string
	Partitions int // of that topic; 0: not known
}

// Compare finds what does not fit how the store was made, and writes nothing. What no service has stored yet fits.
func (s Settings) Compare(ctx context.Context, c *Chosen) error {
	stored, err := s.Store.Load(ctx, 0, [][]byte{
		s.Key(windowstore.SettingShards), s.Key(windowstore.SettingPartitions), s.Key(windowstore.SettingFingerprint),
	}, nil)
	if err != nil {
		return err
	}
	if text := stored[0]; text != nil {
		n, err := parseNumber(windowstore.SettingShards, text)
		if err == nil {
			err = fitsShards(n, c.Shards)
		}
		if err != nil {
			return err
		}
	}
	if text := stored[1]; text != nil && c.Partitions > 0 {
		n, err := parseNumber(windowstore.SettingPartitions, text)
		if err == nil {
			err = fitsPartitions(n, c.Crossings, c.Partitions)
		}
		if err != nil {
			return err
		}
	}
	if key := stored[2]; key != nil && c.Secret != nil {
		return fitsKey(0, key, c.Secret.Bytes())
	}
	return nil
}
