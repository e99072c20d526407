package board

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
)

// streams are those under way.
type streams struct {
	patience time.Duration // how long a client may take to read what was written. Then it is cut off
	ended    chan struct{} // closed by stop

	mu      sync.Mutex
	count   int
	stopped bool
}

// begin takes a place among the streams; false: there is none.
func (s *streams) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.count >= mostStreams {
		return false
	}
	s.count++
	return true
}

func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count--
}

func (s *streams) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		close(s.ended)
	}
}

const (
	// statusEvery is how often a stream has the status.
	statusEvery = time.Second
	// commentEvery is how often it has a comment, so that who is in between sees that the connection is used.
	commentEvery = 15 * time.Second
	// behindMost is how long a client waits that has read more than this process: a new partition is seen after ten seconds.
	behindMost = 12 * time.Second
	// flushEvery is how often a client is written to at most, once it has all that came before. With hundreds of clients, a write for each
	// crossing and client would take the time that counting needs.
	flushEvery = 50 * time.Millisecond
)

// serveStream follows the crossings, as server-sent events.
func (b *Board) serveStream(w http.ResponseWriter, r *http.Request) {
	s := b.sources.Load()
	if s == nil {
		away("the process is not connected to Redis yet").Write(w)
		return
	}
	follower, err := s.follow(r)
	if err != nil {
		problem(err).Write(w)
		return
	}
	if !b.streams.begin() {
		away("too many clients follow the stream").Write(w)
		return
	}
	defer b.streams.end()
	secure(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep what comes until it is much
	c := client{sources: s, follower: follower, w: w, control: http.NewResponseController(w), patience: b.streams.patience}
	_ = c.control.SetReadDeadline(time.Time{}) // that of a request; a stream takes longer
	b.run(r.Context(), &c)
}

// follow begins where a client left off, as it says.
func (s *Sources) follow(r *http.Request) (*tail.Follower, error) {
	if _, err := parseQuery(r, nil); err != nil {
		return nil, err
	}
	var from tail.Positions
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		var err error
		if from, err = parseEventID(last); err != nil {
			return nil, httpserver.NewProblem(http.StatusBadRequest, "Last-Event-ID is none of this stream: "+err.Error())
		}
	}
	if err := s.Crossings.Current(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), behindMost)
	defer cancel()
	return s.Crossings.Follow(ctx, from)
}

// eventIDForm begins the id of an event, so that no position of a topic without records is the empty text, which is no id.
const eventIDForm = "p"

func appendEventID(dst []byte, p tail.Positions) []byte {
	return p.AppendText(append(dst, eventIDForm...))
}

func parseEventID(text string) (tail.Positions, error) {
	rest, ok := strings.CutPrefix(text, eventIDForm)
	if !ok {
		return nil, errors.New("it begins otherwise")
	}
	return tail.ParsePositions(rest)
}

// client is who follows the stream.
type client struct {
	sources  *Sources
	follower *tail.Follower
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	text     []byte    // of what is written next
	flushed  time.Time // when that was done last
}

// ready is closed.
var ready = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// run writes what there is until the client goes, or is cut off. Nobody waits for it: it reads from the list of what came.
func (b *Board) run(ctx context.Context, c *client) {
	status, comment := time.NewTicker(statusEvery), time.NewTicker(commentEvery)
	defer status.Stop()
	defer comment.Stop()
	// An id alone is no event: who is cut off before the first one goes on from here, too.
	c.text = append(appendEventID(append(c.text, "retry: 2000\nid: "...), c.follower.At()), "\n\n"...)
	if c.follower.Gap() {
		c.gap()
	}
	for changed := c.sources.Crossings.Changed(); ; {
		more, ok := c.crossings()
		if !ok || c.flush() != nil {
			return
		}
		next := changed
		if more {
			next = ready // and of all that is ready any is taken: a burst of crossings holds up neither the status nor the end
		}
		select {
		case <-next:
			if !more {
				changed = c.sources.Crossings.Changed()
				retry.Wait(ctx, time.Until(c.flushed.Add(flushEvery)))
			}
		case <-status.C:
			c.status(b.status.get(ctx, c.sources))
		case <-comment.C:
			c.text = append(c.text, ": still here\n\n"...)
		case <-ctx.Done():
			return
		case <-b.streams.ended:
			return
		}
	}
}

// flush writes what was gathered. An error is that of a client who has gone, or does not read.
func (c *client) flush() error {
	if len(c.text) == 0 {
		return nil
	}
	_ = c.control.SetWriteDeadline(time.Now().Add(c.patience)) // who has none waits as long as the connection does
	_, err := c.w.Write(c.text)
	c.text, c.flushed = c.text[:0], time.Now()
	if err != nil {
		return err
	}
	return c.control.Flush()
}

// crossings gathers the next crossings, and reports whether there are more; false: the client has read so slowly that some are not kept any more.
func (c *client) crossings() (more, ok bool) {
	list, ok := c.follower.Next(streamBurst)
	for _, x := range list {
		c.follower.Read(x)
		c.text = appendEventID(append(c.text, "event: crossing\nid: "...), c.follower.At())
		c.text = append(c.sources.appendShown(append(c.text, "\ndata: "...), x), "\n\n"...)
	}
	return len(list) > 0, ok
}

// gap tells that what was missed is in part older than the list. What the list has of it follows.
func (c *client) gap() {
	page := c.sources.Crossings.Page(tail.Filter{}, nil, 0)
	c.event("gap", encode(struct {
		From *string `json:"from"`
	}{timeText(page.From)}))
}

// status gathers the status, or why it is not known.
func (c *client) status(text []byte, err error) {
	if err != nil {
		c.event("problem", encode(problem(err)))
		return
	}
	c.event("status", text)
}

// event gathers an event without an id. Its data is JSON without line ends.
func (c *client) event(name string, data json.RawMessage) {
	c.text = append(append(c.text, "event: "...), name...)
	c.text = append(append(append(c.text, "\ndata: "...), data...), "\n\n"...)
}
