package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// PairOptions say where a Pair is.
type PairOptions struct {
	// Dir holds the data and the logs of both. It is made if it is missing; what an earlier Pair
	// left there is there again.
	Dir string
	// Kafka and Redis are the ports that they should have on loopback. Another one is taken if
	// somebody has it, or if it is 0.
	Kafka, Redis int
}

// Pair is a Kafka and a Redis that no test owns: for those who try the program.
type Pair struct {
	kafka, redis *Server
}

// StartPair starts a Kafka of one broker and a Redis, and returns once both answer. They have the
// settings that those of tests have. The caller stops them; the kernel kills them if it dies before.
func StartPair(o PairOptions) (*Pair, error) {
	if err := findAll("kafka", "redis-server", "redis-cli"); err != nil {
		return nil, err
	}
	ports, err := portsLike(o.Kafka, 0, o.Redis)
	if err != nil {
		return nil, err
	}
	redisDir := filepath.Join(o.Dir, "redis")
	if err := os.MkdirAll(redisDir, 0o700); err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	p := &Pair{redis: redisIn(redisDir, ports[2], redisArgs(ports[2])).Server}
	var group errgroup.Group
	group.Go(p.redis.proc.run)
	group.Go(func() error {
		brokers, err := startBrokers(filepath.Join(o.Dir, "kafka"), ports[:2], KafkaOptions{})
		if err == nil {
			p.kafka = brokers[0]
		}
		return err
	})
	if err := group.Wait(); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// findAll says what is missing, and how it comes here.
func findAll(names ...string) error {
	var missing []error
	for _, name := range names {
		if err := find(name); err != nil {
			missing = append(missing, err)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w (make servers gets it)", errors.Join(missing...))
}

// Kafka returns the address of Kafka.
func (p *Pair) Kafka() string { return p.kafka.addr }

// Redis returns the address of Redis.
func (p *Pair) Redis() string { return p.redis.addr }

// Await returns when ctx ends, or with an error when one of the two has ended by itself.
func (p *Pair) Await(ctx context.Context) error {
	ended := p.kafka
	select {
	case <-ctx.Done():
		return nil
	case <-p.kafka.proc.ended():
	case <-p.redis.proc.ended():
		ended = p.redis
	}
	return fmt.Errorf("%s has ended; its log ends:\n%s", ended.proc.name, ended.proc.tail())
}

// Stop ends both in order, so that their data can be used again.
func (p *Pair) Stop() { p.each((*process).stop) }

// Kill ends both at once. It is for a Pair whose data goes.
func (p *Pair) Kill() { p.each((*process).kill) }

func (p *Pair) each(end func(*process)) {
	var group errgroup.Group
	for _, s := range []*Server{p.kafka, p.redis} {
		if s != nil {
			group.Go(func() error { end(s.proc); return nil })
		}
	}
	_ = group.Wait() // nothing in it fails
}
