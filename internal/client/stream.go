package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// Listener is told what the stream says, by one goroutine. An error that it returns ends the stream, and is that of Follow.
type Listener interface {
	// Opened is called when the server has begun to listen, before anything is read.
	Opened(ctx context.Context) error
	// Crossing is a crossing.
	Crossing(x Item[Crossing]) error
	// Gap says that some of what was missed is older than the list, which reaches back to from; nil: that is not known.
	Gap(from *time.Time)
	// Away says that Redis or Kafka does not answer the server, until Back.
	Away(detail string)
	Back()
	// Lost says that the connection is lost, and when the next one is tried.
	Lost(err error, pause time.Duration)
}

const (
	firstPause   = time.Second
	longestPause = 10 * time.Second
	// silence is how long the stream says nothing before it is taken for dead: it has a status each second, or else a comment every 15.
	silence = 20 * time.Second
)

// Follow listens to crossings until ctx ends. After a lost connection it goes on where it was. An error is one that stays, or the
// first connection's.
func (c *Client) Follow(ctx context.Context, l Listener) error {
	f := &follower{Client: c, l: l}
	pause := retry.Backoff{First: firstPause, Most: longestPause, Jitter: retry.Random}
	for {
		err := f.connection(ctx, pause.Reset)
		var stop *stopError
		p, refused := errors.AsType[*Problem](err)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &stop):
			return stop.error
		case refused && p.Status == http.StatusBadRequest && f.last != "":
			f.last = "" // it is none of this topic any more, which was made anew
			f.l.Gap(nil)
			continue
		case !f.opened, lasting(err):
			return err
		}
		wait := pause.Next()
		if refused {
			wait = max(wait, p.After)
		}
		l.Lost(err, wait)
		retry.Wait(ctx, wait)
	}
}

// follower is one who follows, over all its connections.
type follower struct {
	*Client
	l      Listener
	last   string // the id of the last event
	opened bool
	away   bool
}

// stopError is the listener's.
type stopError struct{ error }

var errSilent = fmt.Errorf("nothing was heard for %v", silence)

// connection listens until it is lost. It calls connected once it listens.
func (f *follower) connection(ctx context.Context, connected func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer quiet.Stop()
	header := http.Header{}
	if f.last != "" {
		header.Set("Last-Event-ID", f.last)
	}
	res, err := f.do(ctx, "api/v1/stream", nil, header, "text/event-stream")
	if err != nil {
		return because(ctx, err)
	}
	defer res.Body.Close()
	f.opened = true
	connected()
	if err := f.l.Opened(ctx); err != nil {
		return &stopError{err}
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, mostLine)
	var e event
	for lines.Scan() {
		quiet.Reset(silence)
		if !e.line(lines.Text()) {
			continue
		}
		if err := f.take(&e); err != nil {
			return err
		}
		if e.hasID {
			f.last = e.id
		}
		e = event{}
	}
	if err := lines.Err(); err != nil {
		return because(ctx, inner(err))
	}
	return errors.New("the server ended the stream")
}

// because is why a connection was lost: the silence that ended it, or its own error.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// event is one of the stream. A block without a name has an id at most.
type event struct {
	name, id, data string
	hasID          bool
}

// line reads a line, and reports whether the event ends with it.
func (e *event) line(text string) bool {
	field, value, _ := strings.Cut(text, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "event":
		e.name = value
	case "id":
		e.id, e.hasID = value, true
	case "data":
		e.data += value
	}
	return text == ""
}

func (f *follower) take(e *event) error {
	var data struct {
		From   *time.Time `json:"from"`
		Detail string     `json:"detail"`
	}
	switch e.name {
	case "crossing":
		var x Item[Crossing]
		if err := json.Unmarshal([]byte(e.data), &x); err != nil {
			return fmt.Errorf("a crossing of the stream cannot be read: %w", err)
		}
		if err := f.l.Crossing(x); err != nil {
			return &stopError{err}
		}
	case "gap":
		if err := json.Unmarshal([]byte(e.data), &data); err != nil {
			return fmt.Errorf("a gap of the stream cannot be read: %w", err)
		}
		f.l.Gap(data.From)
	case "problem":
		if err := json.Unmarshal([]byte(e.data), &data); err != nil {
			return fmt.Errorf("a problem of the stream cannot be read: %w", err)
		}
		if !f.away {
			f.away = true
			f.l.Away(data.Detail)
		}
	case "status":
		if f.away {
			f.away = false
			f.l.Back()
		}
	}
	return nil
}
