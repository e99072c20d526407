package settings

import (
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Counted is how the counts of a store are read, for those who only read them.
type Counted struct {
	Shards int // 0: no service has counted there
	Secret engine.Secret
	Starts []byte // since when counters are kept, as it is stored; nil: all were from the start
}

// CountedKeys are the keys of what ParseCounted reads, all of shard 0.
func (s Settings) CountedKeys() [][]byte {
	return [][]byte{s.Key(windowstore.SettingShards), s.Key(windowstore.SettingFingerprint), s.Key(windowstore.SettingCounters)}
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
	c.Starts = values[2]
	return c, err
}
