package fetch

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// Options say how to reach Kafka and how much to ask for at once.
type Options struct {
	// Transport holds the connections. The caller sets TLS, SASL and ClientID on it, and should
	// set:
	//
	//	MetadataTTL     1 s: a partition whose leader moved is not read until the Transport
	//	                has seen it (its own default is 6 s)
	//	MetadataTopics  the topics read, since otherwise it asks for all there are. A topic
	//	                not among them is unknown.
	//
	// The caller ends it, by CloseIdleConnections.
	Transport *kafka.Transport
	// Brokers are the addresses to start from: kafka.TCP("host:port", ...).
	Brokers net.Addr

	MaxWait        time.Duration // how long a broker gathers records, default 20 ms
	MinBytes       int           // how many bytes are enough to answer before that, default 1 MiB
	PartitionBytes int           // of one fetch of a partition, default 1 MiB; it takes twice this memory
	Timeout        time.Duration // of a request, beyond MaxWait, default 10 s
	Patience       time.Duration // how long an error is retried before Next returns it, default 5 s

	Watch Watcher // told how calls of brokers end; default: nobody is
}

func (o *Options) setDefaults() {
	setDefault(&o.MaxWait, 20*time.Millisecond)
	setDefault(&o.MinBytes, 1<<20)
	setDefault(&o.PartitionBytes, 1<<20)
	setDefault(&o.Timeout, 10*time.Second)
	setDefault(&o.Patience, 5*time.Second)
	if o.Watch == nil {
		o.Watch = unwatched{}
	}
}

func setDefault[T ~int | ~int64](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Client reads partitions. Its methods may be called by several goroutines.
//
// A stream is either with the fetcher of the broker that leads its partition, or homeless: no
// fetcher has it. The assigner, a goroutine as old as the client, looks for the leader of each
// homeless stream. It starts that broker's fetcher if there is none.
type Client struct {
	opts Options
	stop context.CancelFunc
	done <-chan struct{} // closed by Close
	wg   sync.WaitGroup
	lost retry.Signal // raised when a stream becomes homeless

	mu       sync.Mutex // guards what follows, and the state of all streams
	homeless []*stream
	fetchers map[int32]*fetcher
}

// New returns a client. Nothing is sent before a stream is opened.
func New(opts Options) *Client {
	opts.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		opts:     opts,
		stop:     stop,
		done:     ctx.Done(),
		lost:     retry.NewSignal(),
		fetchers: make(map[int32]*fetcher),
	}
	c.wg.Go(func() { c.assign(ctx) })
	return c
}

// Close ends all streams, waits for the client's goroutines and leaves the
// Transport to the caller.
func (c *Client) Close() {
	c.stop()
	c.wg.Wait()
}

func (c *Client) closed() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Open returns the stream of a partition from offset on. It begins to fetch at
// once. Several streams of a partition are read in turns.
func (c *Client) Open(topic string, partition int, offset int64) Stream {
	s := newStream(c, topic, partition, offset)
	c.mu.Lock()
	c.homeless = append(c.homeless, s)
	c.mu.Unlock()
	c.lost.Raise()
	return s
}

// assign finds brokers for homeless streams until ctx ends.
func (c *Client) assign(ctx context.Context) {
	for ctx.Err() == nil {
		due, wait := c.due(time.Now())
		if len(due) == 0 {
			c.lost.Wait(ctx, wait)
			continue
		}
		leaders, err := c.leaders(ctx)
		c.mu.Lock()
		for _, s := range due {
			c.assignStream(ctx, s, leaders, err)
		}
		c.mu.Unlock()
	}
}

// due takes the homeless streams whose turn has come off the list. It also returns how long until
// the next stream's turn.
func (c *Client) due(now time.Time) (due []*stream, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait = time.Hour
	c.homeless = slices.DeleteFunc(c.homeless, func(s *stream) bool {
		if s.closed {
			return true
		}
		if left := s.retry.Sub(now); left > 0 {
			wait = min(wait, left)
			return false
		}
		due = append(due, s)
		return true
	})
	return due, wait
}

// assignStream gives a stream to its leader's fetcher. Under c.mu.
func (c *Client) assignStream(ctx context.Context, s *stream, l leaders, err error) {
	if s.closed {
		return
	}
	id := int32(0)
	if err == nil {
		id, err = l.of(s.topic, s.id)
	}
	if err != nil {
		s.fail(err)
		return
	}
	f := c.fetchers[id]
	if f == nil {
		f = newFetcher(c, id)
		c.fetchers[id] = f
		c.wg.Go(func() { f.run(ctx) })
	}
	f.add(s)
}

// newBackoff is the pauses between attempts: uneven, so that streams do not come all at once.
func newBackoff() retry.Backoff {
	return retry.Backoff{First: 50 * time.Millisecond, Most: time.Second, Jitter: retry.Random}
}
