package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client/clienttest"
)

// limit is how long a test waits for anything. Nothing comes near it that works.
const limit = time.Minute

// notes is a listener that notes what it is told.
type notes struct {
	t    *testing.T
	told chan string
	stop error // that it answers to a crossing
}

func (n *notes) tell(format string, args ...any) { n.told <- fmt.Sprintf(format, args...) }
func (n *notes) Opened(context.Context) error    { n.tell("opened"); return nil }
func (n *notes) Crossing(x Item[Crossing]) error { n.tell("%s", x.Value.ID); return n.stop }
func (n *notes) Gap(from *time.Time)             { n.tell("gap %v", from) }
func (n *notes) Away(detail string)              { n.tell("away %s", detail) }
func (n *notes) Back()                           { n.tell("back") }
func (n *notes) Lost(err error, pause time.Duration) {
	if p, ok := errors.AsType[*Problem](err); ok && pause < p.After {
		n.t.Errorf("it asks again after %v, not after %v", pause, p.After)
	}
	n.tell("lost %v", err)
}

func (n *notes) follow(ctx context.Context, c *Client) chan error {
	ended := make(chan error, 1)
	go func() { ended <- c.Follow(ctx, n) }()
	return ended
}

func (n *notes) want(texts ...string) {
	n.t.Helper()
	for _, want := range texts {
		select {
		case got := <-n.told:
			if !strings.HasPrefix(got, want) {
				n.t.Fatalf("got %q, want %q", got, want)
			}
		case <-time.After(limit):
			n.t.Fatalf("nothing came, want %q", want)
		}
	}
}

// TestFollow: who follows is told what comes, and goes on where it was, at whatever answers next.
func TestFollow(t *testing.T) {
	s := clienttest.New(t)
	n := &notes{t: t, told: make(chan string, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := n.follow(ctx, newClient(t, s.URL, ""))
	n.want("opened")
	s.Cut()
	n.want("lost the server ended the stream", "opened")
	if id, _ := s.Resumed(2); id != "p0:1" {
		t.Errorf("before anything came it resumed from %q", id)
	}
	s.Push(clienttest.Push{Name: "status", Data: s.Answers().Status})
	s.Push(clienttest.Push{Name: "crossing", ID: "p2:3001", Data: clienttest.Crossed("inc-42", 1, 50_000, 3000)})
	problem := clienttest.Object{"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": "redis: away"}
	s.Push(clienttest.Push{Name: "problem", Data: problem})
	s.Push(clienttest.Push{Name: "problem", Data: problem}) // and says so once
	s.Push(clienttest.Push{Name: "something-new", Data: 1})
	s.Push(clienttest.Push{Name: "status", Data: s.Answers().Status})
	n.want("art3-clicks/incident/inc-42/1/1", "away redis: away", "back")
	s.Set(func(a *clienttest.Answers) {
		a.Refusal = &clienttest.Refusal{Status: 503, Detail: "not connected yet", After: 3}
	})
	s.Cut()
	n.want("lost the server ended the stream", "lost not connected yet; ask again in 3s")
	s.Set(func(a *clienttest.Answers) { a.Refusal = nil })
	for range 100 { // askings that were on their way
		if got := <-n.told; got == "opened" {
			break
		}
	}
	if id, _ := s.Resumed(3); id != "p2:3001" {
		t.Errorf("it resumed from %q", id)
	}
	s.Push(clienttest.Push{Name: "gap", Data: clienttest.Object{"from": "2026-11-30T10:00:00Z"}})
	s.Push(clienttest.Push{Name: "gap", Data: clienttest.Object{"from": nil}})
	n.want("gap 2026-11-30 10:00:00 +0000 UTC", "gap <nil>")

	// A topic that was made anew does not know the position.
	s.Set(func(a *clienttest.Answers) {
		a.Refusal = &clienttest.Refusal{Status: 400, Detail: "Last-Event-ID is none of this stream"}
	})
	s.Cut()
	n.want("lost the server ended the stream", "gap <nil>")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "Last-Event-ID") {
		t.Errorf("got %v", err)
	}
	cancel()
}

// TestFollowEnds: by its context, by its listener, by what stays wrong.
func TestFollowEnds(t *testing.T) {
	s := clienttest.New(t)
	c := newClient(t, s.URL, "")
	ctx, cancel := context.WithCancel(t.Context())
	n := &notes{t: t, told: make(chan string, 100)}
	ended := n.follow(ctx, c)
	n.want("opened")
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}

	full := errors.New("no space left on device")
	n.stop = full
	ended = n.follow(t.Context(), c)
	n.want("opened")
	s.Push(clienttest.Push{Name: "crossing", ID: "p2:3001", Data: clienttest.Crossed("inc-42", 1, 50_000, 3000)})
	if err := <-ended; !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	n.want("art3")

	n.stop = nil
	ended = n.follow(t.Context(), c)
	n.want("opened")
	s.Set(func(a *clienttest.Answers) { a.Token = "a token" }) // that was not wanted before
	s.Cut()
	n.want("lost")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "wants a token") {
		t.Errorf("got %v", err)
	}
	s.Set(func(a *clienttest.Answers) {
		a.Token, a.Refusal = "", &clienttest.Refusal{Status: 503, Detail: "too many clients"}
	})
	if err := <-n.follow(t.Context(), c); err == nil || !strings.Contains(err.Error(), "too many clients") {
		t.Errorf("at first: got %v", err)
	}
	if err := <-n.follow(t.Context(), newClient(t, "127.0.0.1:1", "")); err == nil || !strings.Contains(err.Error(), "nothing listens") {
		t.Errorf("at first: got %v", err)
	}
}
