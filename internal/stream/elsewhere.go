package stream

import (
	"context"
	"fmt"

	"github.com/dchest/siphash"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// A group whose processes count into two stores has half of its events in each, and misses what both together would have
// crossed. So members tell each other which store is theirs.

// storeName identifies a store: its prefix under its own fingerprint key, which is random, or kept
// by who runs the service.
func storeName(store windowstore.Store, secret engine.Secret) string {
	return fmt.Sprintf("%016x", siphash.Hash(secret.K0, secret.K1, settings.Settings{Store: store}.Key(windowstore.SettingFingerprint)))
}

// noStore is the name of one in which nothing is stored yet.
const noStore = "none"

// elsewhere are the members that count into another store than that of a name.
func (c *census) elsewhere(store string) (list []peer) {
	for _, p := range c.peers {
		if p.ours && p.store != "" && p.store != store {
			list = append(list, p)
		}
	}
	return list
}

// split is the error of a group with members that count into another store than that of a name.
func (c *census) split(group, store string) error {
	others := c.elsewhere(store)
	if len(others) == 0 {
		return nil
	}
	return fmt.Errorf("group %s has members that count into another store (redis.addrs, redis.db, redis.prefix), so that each store lacks what the other has: %s; "+
		"give one of the deployments a kafka.group of its own, or stop the old one to begin anew with this store", group, namesOf(others))
}

// CheckGroup is the error of a group that is at work with another store than this one, which is only read.
func CheckGroup(ctx context.Context, k *Kafka, store windowstore.Store) error {
	name, err := storedName(ctx, store)
	if err != nil {
		return explain.Store(err)
	}
	transport := k.Transport()
	defer transport.CloseIdleConnections()
	c, err := takeCensus(ctx, transport, k)
	if err != nil {
		return nil // who looks at Kafka says so
	}
	return c.split(k.Group, name)
}

// storedName is the name of a store by what is in it.
func storedName(ctx context.Context, store windowstore.Store) (string, error) {
	values, err := store.Load(ctx, 0, [][]byte{settings.Settings{Store: store}.Key(windowstore.SettingFingerprint)}, nil)
	if err != nil || values[0] == nil {
		return noStore, err
	}
	secret, err := engine.NewSecret(values[0])
	if err != nil {
		return "", err
	}
	return storeName(store, secret), nil
}
