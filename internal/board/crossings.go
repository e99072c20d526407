package board

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
)

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
	return from.pieces(cut(page)), nil
}

// cut ends a page where it would become too large. Its first crossing stays.
func cut(page tail.Page) tail.Page {
	bytes := 0
	for i, c := range page.Crossings {
		if bytes += len(c.Record); bytes > pageBytes && i > 0 {
			page.Crossings, page.More = page.Crossings[:i], true
			break
		}
	}
	return page
}

// pieces is a page as it is shown, with where it goes on, and how far back the list reaches. Records of thousands of bytes are many: they are
// not put together before they are written.
func (t *Announced) pieces(page tail.Page) pieces {
	var end struct {
		Next *string `json:"next"` // null: it was the last page
		From *string `json:"from"` // null: there is no crossing
	}
	end.From = timeText(page.From)
	if n := len(page.Crossings); page.More && n > 0 {
		next := encodeCursor(crossingPlace(page.Crossings[n-1].Place))
		end.Next = &next
	}
	return func(yield func([]byte) bool) {
		text := []byte(`{"items":[`)
		for i, c := range page.Crossings {
			if i > 0 {
				text = append(text, ',')
			}
			if text = t.appendShown(text, c); !yield(text) {
				return
			}
			text = text[:0]
		}
		text = append(append(text, "],"...), encode(end)[1:]...)
		yield(text)
	}
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
func (s *Sources) topicOf(q *query) (*Announced, error) {
	from := &s.Announced
	switch q.given["shadow"] {
	case "", "false":
	case "true":
		if s.Shadow == nil {
			return from, bad("shadow", "there is no topic of crossings of shadow rules: kafka.shadow is not set")
		}
		from = s.Shadow
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

// shown is a crossing's record with its place beside its members.
func (t *Announced) shown(c *tail.Crossing) json.RawMessage { return t.appendShown(nil, c) }

func (t *Announced) appendShown(dst []byte, c *tail.Crossing) []byte {
	dst = append(dst, bytes.TrimSuffix(c.Record, []byte("}"))...)
	dst = append(append(dst, `,"topic":`...), t.json...)
	dst = strconv.AppendInt(append(dst, `,"partition":`...), int64(c.Partition), 10)
	dst = strconv.AppendInt(append(dst, `,"offset":`...), c.Offset, 10)
	return append(dst, '}')
}
