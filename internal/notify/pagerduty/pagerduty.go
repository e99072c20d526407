package pagerduty

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

// DefaultURL is where PagerDuty takes events, outside of its service region EU.
const DefaultURL = "https://events.pagerduty.com/v2/enqueue"

// Options is what a sink works with.
type Options struct {
	Client     *post.Client
	URL        string // default: DefaultURL
	RoutingKey string
	Board      func(by, subject string) string // the page of a subject; nil, or "": none
}

// Sink sends events.
type Sink struct {
	Options
	api      post.Server
	resolved resolved
}

// New makes a sink.
func New(o Options) *Sink {
	o.URL = cmp.Or(o.URL, DefaultURL)
	return &Sink{Options: o, api: post.Server{Client: o.Client, Own: ownText, Setup: ofKey}}
}

var keyText = regexp.MustCompile(`^[0-9A-Za-z]{32}$`)

// CheckKey is what is wrong with a routing key, which is not shown.
func CheckKey(key string) error {
	if !keyText.MatchString(key) {
		return errors.New("this is no integration key of Events API v2, which has 32 letters and digits")
	}
	return nil
}

// ownText reports whether a body is as the API writes it to a 400: an object with a status and a message. It may be cut.
func ownText(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && bytes.Contains(body, []byte(`"status"`)) && bytes.Contains(body, []byte(`"message"`))
}

// ofKey reports whether a 400 is about the routing key: it is that of all events.
func ofKey(body []byte) bool {
	body = bytes.ToLower(body)
	return bytes.Contains(body, []byte("routing_key")) || bytes.Contains(body, []byte("routing key"))
}

// event is what the API takes.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Payload    *payload `json:"payload,omitempty"` // of a trigger
}

type payload struct {
	Summary   string          `json:"summary"`
	Source    string          `json:"source"`
	Severity  string          `json:"severity"`
	Timestamp string          `json:"timestamp"`
	Component string          `json:"component"`
	Group     string          `json:"group"`
	Class     string          `json:"class"`
	Details   json.RawMessage `json:"custom_details"`
}

// Deliver sends a crossing, but no trigger that came twice, and whose incident was resolved: it would open another one.
func (s *Sink) Deliver(ctx context.Context, c *crossing.Crossing) error {
	if !c.Cleared() && s.resolved.has(c) {
		return nil
	}
	body, err := json.Marshal(s.event(c))
	if err != nil {
		return err
	}
	if err := s.api.Do(ctx, s.URL, "application/json", body); err != nil {
		return err
	}
	if c.Cleared() {
		s.resolved.add(c)
	}
	return nil
}

// Reach reports whether the API answers.
func (s *Sink) Reach(ctx context.Context) error { return s.Client.Reach(ctx, s.URL) }

func (s *Sink) event(c *crossing.Crossing) *event {
	e := &event{RoutingKey: s.RoutingKey, Action: "resolve", DedupKey: dedupKey(c.DedupKey)}
	if c.Cleared() {
		return e
	}
	e.Action, e.Client = "trigger", "aggregator"
	if s.Board != nil {
		e.ClientURL = s.Board(c.By, c.Subject)
	}
	e.Payload = &payload{
		Summary: cut(c.Summary, summaryMost), Source: cut(c.Key(), sourceMost), Severity: severity(c.Severity), Timestamp: c.Time.UTC().Format(time.RFC3339Nano),
		Component: c.Rule, Group: c.Pack, Class: "threshold crossed", Details: c.Record,
	}
	return e
}

// severity is one that PagerDuty knows.
func severity(s string) string {
	switch s {
	case "critical", "warning", "error", "info":
		return s
	}
	return "error"
}

// dedupKey is a key that PagerDuty takes as a whole. It cuts longer ones, so that two subjects could share one: the end of
// such a key is a digest of all of it.
func dedupKey(key string) string {
	if len(key) <= keyMost {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	end := "~" + hex.EncodeToString(sum[:])
	return cutBytes(key, keyMost-len(end)) + end
}

// cutBytes is the beginning of a text, so many bytes at most.
func cutBytes(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// cut is the beginning of a text, so many bytes at most; its end shows that there was more.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const more = "..."
	return cutBytes(s, most-len(more)) + more
}
