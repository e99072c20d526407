package alertmanager

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

// server is one Alertmanager.
type server struct {
	api post.Server
	url string

	mu   sync.Mutex
	shun time.Time // until then nothing waits for it, if there is another one
}

// shunFor is how long nothing waits for a server that gave no answer. What goes on is sent to it again by then.
const shunFor = time.Minute

func newServer(client *post.Client, url string) *server {
	return &server{api: post.Server{Client: client, Own: ownText}, url: strings.TrimSuffix(url, "/")}
}

// ownText reports whether a body is as Alertmanager writes it to a 400: a text of JSON, or an object with a code and a message. It
// may be cut.
func ownText(body []byte) bool {
	body = bytes.TrimSpace(body)
	return bytes.HasPrefix(body, []byte(`"`)) ||
		bytes.HasPrefix(body, []byte("{")) && bytes.Contains(body, []byte(`"code"`)) && bytes.Contains(body, []byte(`"message"`))
}

// post sends alerts.
func (x *server) post(ctx context.Context, body []byte, now time.Time) error {
	err := x.api.Do(ctx, x.url+"/api/v2/alerts", "application/json", body)
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case err == nil || post.Final(err):
		x.shun = time.Time{}
	default:
		x.shun = now.Add(shunFor)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", post.Host(x.url), err)
	}
	return nil
}

func (x *server) shunned(now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return now.Before(x.shun)
}

// bodyOf is alerts as the API takes them.
func bodyOf(alerts []*alert) []byte {
	body := []byte{'['}
	for i, a := range alerts {
		if i > 0 {
			body = append(body, ',')
		}
		body = a.append(body)
	}
	return append(body, ']')
}

// send sends something new to all servers, and returns when each has answered or was given up. It was taken if one has taken it. A server that
// gave no answer lately is left out, if there are others: it hears of it in the next round.
func (s *Sink) send(ctx context.Context, alerts []*alert, now time.Time) error {
	return s.sendTo(ctx, s.answering(now), bodyOf(alerts), now).err()
}

// answering are the servers that have answered lately; all, if none has.
func (s *Sink) answering(now time.Time) (list []*server) {
	for _, x := range s.servers {
		if !x.shunned(now) {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return s.servers
	}
	return list
}

// answers are what servers have said to a request.
type answers struct {
	taken   bool  // by one at least
	refused bool  // for good, by one at least
	failure error // one for which to try again, if there is any
}

// err is nil if one has taken it.
func (a answers) err() error {
	if a.taken {
		return nil
	}
	return a.failure
}

// count is how many of the alerts were taken.
func (a answers) count(alerts []*alert) int {
	if a.taken {
		return len(alerts)
	}
	return 0
}

// sendTo sends to servers at once.
func (s *Sink) sendTo(ctx context.Context, asked []*server, body []byte, now time.Time) (all answers) {
	said := make(chan error, len(asked))
	for _, x := range asked {
		go func() { said <- x.post(ctx, body, now) }()
	}
	for range asked {
		err := <-said
		all.taken = all.taken || err == nil
		all.refused = all.refused || post.Final(err)
		if err != nil && (all.failure == nil || post.Final(all.failure)) {
			all.failure = err
		}
	}
	return all
}
