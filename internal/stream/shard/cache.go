package shard

import (
	"context"
	"iter"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/watchdog"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// cache has the subjects that a shard keeps in memory, each as it is in the store, with what the batch did to it.
type cache struct {
	*Options
	number   int // of the shard
	pulse    *watchdog.Pulse
	subjects map[string]*Entry // by kind and id
	bytes    int               // held by subjects, approximately
	reported int               // Bytes, as the metrics know it
	batch    uint32            // the number of the batch
	emptied  uint32            // the batch in which all that can be forgotten was
	resets   int               // how often all of it was forgotten
	keys     subjectKeys
	load     loader
	name     []byte
}

// name is what distinguishes a subject from all others.
type name struct {
	kind thresholds.Kind
	id   []byte
}

// appendName appends the key of a subject in the cache.
func appendName(dst []byte, n name) []byte { return append(append(dst, byte(n.kind)), n.id...) }

// get is the entry of a subject; nil: it is not in memory.
func (c *cache) get(n name) *Entry {
	c.name = appendName(c.name[:0], n)
	return c.subjects[string(c.name)]
}

// entry returns the entry of a subject, a new one if there is none. A new one must
// be read before it is used.
func (c *cache) entry(n name) *Entry {
	if e := c.get(n); e != nil {
		return e
	}
	e := &Entry{Name: string(c.name)}
	c.subjects[e.Name] = e
	return e
}

// read appends the entries of subjects to dst. It reads the records of those that are not in memory.
func (c *cache) read(ctx context.Context, dst []*Entry, subjects iter.Seq[name]) ([]*Entry, error) {
	l := &c.load
	l.entries = l.entries[:0]
	for n := range subjects {
		e := c.entry(n)
		dst = append(dst, e)
		if !e.loaded && !e.asked {
			e.asked = true
			l.entries = append(l.entries, e)
		}
	}
	for some := range slices.Chunk(l.entries, MaxLoadKeys) {
		records, err := c.records(ctx, some)
		if err != nil {
			return dst, err
		}
		for i, e := range some {
			if err := c.decode(e, records[i]); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

// records reads the records of entries as they are stored. They are valid until the next read.
func (c *cache) records(ctx context.Context, entries []*Entry) ([][]byte, error) {
	l := &c.load
	l.begin()
	for _, e := range entries {
		l.key(c.keys.appendRecord(l.arena, e))
	}
	err := c.fetch(ctx)
	return l.values, err
}

// fetch loads the keys gathered into c.load.values, trying until it works.
func (c *cache) fetch(ctx context.Context) error {
	l := &c.load
	l.keys = resolve(l.keys[:0], l.arena, l.spans)
	defer c.pulse.At(c.pulse.At(watchdog.StepLoad))
	return c.Retrier.Retry(ctx, metrics.OperationLoad, c.number, func() (err error) {
		l.values, err = c.Store.Load(ctx, c.number, l.keys, l.values[:0])
		return err
	})
}

// count brings up to date what an entry takes of the memory for subjects.
func (c *cache) count(e *Entry) {
	size := e.Size() + entrySize + len(e.Name)
	c.bytes += size - e.size
	e.size = size
}

// entrySize is about what an entry takes beside its subject, in bytes.
const entrySize = 500

// evict forgets subjects that were not used lately, when they hold too much
// memory: any of them, down to three quarters of the bound. The batch's own stay: when all others have gone
// it need not look again before the next batch.
func (c *cache) evict() {
	if c.bytes <= c.CacheBytes || c.emptied == c.batch {
		return
	}
	for name, e := range c.subjects {
		if e.dirty || e.used == c.batch {
			continue
		}
		delete(c.subjects, name)
		c.bytes -= e.size
		c.Metrics.CacheEvicted()
		if c.bytes <= c.CacheBytes/4*3 {
			return
		}
	}
	c.emptied = c.batch
}

// reset forgets all subjects.
func (c *cache) reset() {
	clear(c.subjects)
	c.bytes = 0
	c.resets++
}

// report gives the metrics what the cache holds.
func (c *cache) report() {
	if c.bytes != c.reported {
		c.Metrics.CacheGrew(c.bytes - c.reported)
		c.reported = c.bytes
	}
}
