package redis

import (
	"context"
	"errors"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// once is a command that is sent once. A Cluster's client sends a command again after a lost
// connection or a timeout, whatever MaxRetries says. It still follows MOVED and ASK, which come
// from a server that did nothing.
type once struct{ *goredis.Cmd }

// NoRetry is asked by the client before it sends a command again.
func (once) NoRetry() bool { return true }

// do sends a command, whose first key is argument firstKey, and returns its
// reply: an int64, a string, nil or a []any of them.
func (r *Store) do(ctx context.Context, firstKey int8, args []any) (any, error) {
	cmd := goredis.NewCmd(ctx, args...)
	cmd.SetFirstKeyPos(firstKey)
	err := r.client.Process(ctx, once{cmd})
	if err != nil && !errors.Is(err, goredis.Nil) {
		r.lookAgain(ctx, err)
		return nil, oneLine(err)
	}
	return cmd.Val(), nil
}

// lookAgain makes a Cluster's client read in the background who has which slots, if err may mean
// that this changed. By itself the client does so once a minute, unless an old owner is alive to
// say MOVED.
func (r *Store) lookAgain(ctx context.Context, err error) {
	if c, ok := r.client.(*goredis.ClusterClient); ok && Retryable(err) {
		c.ReloadState(ctx)
	}
}

// call is the memory of one command under way, used again for the next.
type call struct {
	args []any
	keys []rawBytes // where args point to: it must not move while it is filled
	blob rawBytes
	n    int
}

// rawBytes is an argument as the client takes it without an allocation: by its pointer.
type rawBytes []byte

// MarshalBinary returns the bytes themselves.
func (b *rawBytes) MarshalBinary() ([]byte, error) { return *b, nil }

// take returns a call that nobody uses.
func (r *Store) take() *call {
	select {
	case c := <-r.calls:
		return c
	default:
		return &call{}
	}
}

// give returns a call. It forgets the caller's bytes, which it would keep alive.
func (r *Store) give(c *call) {
	clear(c.args)
	clear(c.keys)
	const large = 4 * store.MaxCommitBytes
	if cap(c.blob) > large {
		return
	}
	select {
	case r.calls <- c:
	default:
	}
}

// begin starts a command.
func (c *call) begin(args ...any) {
	c.args = append(c.args[:0], args...)
	c.keys = c.keys[:0]
}

// grow makes room for n keys in all.
func (c *call) grow(n int) {
	if n > cap(c.keys) {
		c.keys = make([]rawBytes, 0, n)
	}
}

// addKeys adds keys as arguments.
func (c *call) addKeys(keys [][]byte) {
	c.grow(len(c.keys) + len(keys))
	for _, key := range keys {
		c.addKey(key)
	}
}

// addKey adds a key, for which grow has made room. The first goes as it is, since the client
// reads the slot from it.
func (c *call) addKey(key []byte) {
	if len(c.keys) == 0 {
		c.keys = append(c.keys, nil)
		c.args = append(c.args, key)
		return
	}
	c.keys = append(c.keys, key)
	c.args = append(c.args, &c.keys[len(c.keys)-1])
}
