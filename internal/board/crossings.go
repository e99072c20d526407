package board

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
)

// crossingList is a page of crossings, and how far back the list reaches.
type crossingList struct {
	list[json.RawMessage]
	From *string `json:"from"` // null: there is no crossing
}

// crossingPlace is where the list of crossings goes on.
type crossingPlace struct {
	Timestamp int64 `json:"t"`
	Partition int   `json:"p"`
	Offset    int64 `json:"o"`
}

func (b *Board) getCrossings(_ context.Context, s *Sources, q *query) (any, error) {
	f, err := q.filter()
	if err != nil {
		return nil, err
	}
	var at crossingPlace
	var before *tail.Place
	if given, err := q.cursor(&at); err != nil {
		return nil, err
	} else if given {
		before = &tail.Place{Timestamp: at.Timestamp, Partition: at.Partition, Offset: at.Offset}
	}
	from, err := s.topicOf(q)
	if err != nil {
		return nil, err
	}
	page := from.Crossings.Page(f, before, limitOf(q))
	var items []json.RawMessage
	next := ""
	for _, c := range page.Crossings {
		items = append(items, from.shown(c))
		if page.More {
			next = encodeCursor(crossingPlace(c.Place))
		}
	}
	return crossingList{listOf(items, next), timeText(page.From)}, nil
}

// filter is which crossings a request asks for. A rule that is gone has crossings too.
func (q *query) filter() (f tail.Filter, err error) {
	f = tail.Filter{Rule: q.given["rule"], Subject: q.given["subject"], Status: q.given["status"]}
	if kind, given, err := q.kind("by"); err != nil {
		return f, err
	} else if given {
		f.By = kind.String()
	}
	if f.Status != "" && f.Status != "crossed" && f.Status != "cleared" {
		return f, bad("status", "it is crossed or cleared")
	}
	f.Since, err = q.time("since")
	return f, err
}

// topicOf is the topic that a request asks for, whose end is known.
func (s *Sources) topicOf(q *query) (Announced, error) {
	from := Announced{s.Topic, s.Crossings}
	switch q.given["shadow"] {
	case "", "false":
	case "true":
		if s.Shadow == nil {
			return from, bad("shadow", "there is no topic of crossings of shadow rules: kafka.shadow is not set")
		}
		from = *s.Shadow
	default:
		return from, bad("shadow", "it is true or false")
	}
	return from, from.Crossings.Current()
}

// getCrossingAt is the crossing that a path names.
func (b *Board) getCrossingAt(_ context.Context, s *Sources, q *query) (any, error) {
	return crossingOf(s, q, q.path("id"))
}

// getCrossing is the crossing that a parameter names: an id may be one that no path can hold.
func (b *Board) getCrossing(_ context.Context, s *Sources, q *query) (any, error) {
	if q.given["id"] == "" {
		return nil, bad("id", "it is missing")
	}
	return crossingOf(s, q, q.given["id"])
}

func crossingOf(s *Sources, q *query, id string) (any, error) {
	from, err := s.topicOf(q)
	if err != nil {
		return nil, err
	}
	c := from.Crossings.Find(id)
	if c == nil {
		return nil, notFound("no crossing with this id is among those that the list reaches back to")
	}
	return from.shown(c), nil
}

// shown is a crossing of the topic of crossings.
func (s *Sources) shown(c *tail.Crossing) json.RawMessage { return Announced{Topic: s.Topic}.shown(c) }

// shown is a crossing's record with its place beside its members.
func (s Announced) shown(c *tail.Crossing) json.RawMessage {
	record := bytes.TrimSuffix(c.Record, []byte("}"))
	topic, err := json.Marshal(s.Topic)
	if err != nil {
		panic("BUG: a topic that is no JSON: " + err.Error())
	}
	return fmt.Appendf(record[:len(record):len(record)], `,"topic":%s,"partition":%d,"offset":%d}`, topic, c.Partition, c.Offset)
}
