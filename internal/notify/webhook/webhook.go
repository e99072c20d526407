package webhook

import (
	"context"
	"strconv"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

// Sink posts crossings to a URL.
type Sink struct {
	Client *post.Client
	URL    string
	Secret Secret           // nil: nothing is signed
	Now    func() time.Time // time.Now by default
}

// Deliver posts a crossing. Each attempt has a time of its own, so that receivers can refuse what is old.
func (s *Sink) Deliver(ctx context.Context, c *crossing.Crossing) error {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	id, at, body := headerText(c.Event.ID), strconv.FormatInt(now().Unix(), 10), c.Structured()
	headers := []string{"webhook-id", id, "webhook-timestamp", at}
	if s.Secret != nil {
		headers = append(headers, "webhook-signature", s.Secret.sign(id, at, body))
	}
	return s.Client.Do(ctx, s.URL, crossing.ContentType, body, headers...)
}

// Reach reports whether the server answers.
func (s *Sink) Reach(ctx context.Context) error { return s.Client.Reach(ctx, s.URL) }
