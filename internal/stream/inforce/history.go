package inforce

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Era is a stretch of a partition's log that one set of rules decided. It lasts until the next one begins.
type Era struct {
	From  int64  // offset of the first record
	Rules string // their id
	At    int64  // when it began, ms
}

// History is the eras of a partition in a shard, by offset. What lies before the first one was decided by rules that are not
// known any more. A history without eras is that of a store of a version that kept none.
type History []Era

// ParseHistory reads the stored form: "0:9f86d081884c7d65:1767225600000 1931:60303ae22b998861:1767312000000".
func ParseHistory(b []byte) (History, error) {
	var h History
	for _, text := range strings.Fields(string(b)) {
		from, rest, _ := strings.Cut(text, ":")
		rules, at, _ := strings.Cut(rest, ":")
		e, errs := Era{Rules: rules}, [2]error{}
		e.From, errs[0] = strconv.ParseInt(from, 10, 64)
		e.At, errs[1] = strconv.ParseInt(at, 10, 64)
		if err := errors.Join(errs[:]...); err != nil || len(rules) != 2*idSize || len(h) > 0 && e.From <= h[len(h)-1].From {
			return nil, fmt.Errorf("%q in the store does not say from where on which rules were in force", text)
		}
		h = append(h, e)
	}
	return h, nil
}

// AppendTo appends the stored form.
func (h History) AppendTo(dst []byte) []byte {
	for i, e := range h {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(strconv.AppendInt(dst, e.From, 10), ':')
		dst = append(append(dst, e.Rules...), ':')
		dst = strconv.AppendInt(dst, e.At, 10)
	}
	return dst
}

// Changed reports whether other rules than those of an id decided any of the partitions last, as shard 0 knows. What it cannot
// read, or is not there, says nothing.
func Changed(ctx context.Context, store windowstore.Store, partitions []position.TopicPartition, id string) (bool, error) {
	var keys [][]byte
	for _, p := range partitions {
		keys = append(keys, store.Keys().AppendHistoryKey(nil, 0, p.Topic, p.Partition))
	}
	values, err := store.Load(ctx, 0, keys, nil)
	for _, v := range values {
		if h, err := ParseHistory(v); err == nil && h.Last() != "" && h.Last() != id {
			return true, nil
		}
	}
	return false, err
}

// Last is the id of the rules that decide now; "": not known.
func (h History) Last() string {
	if len(h) == 0 {
		return ""
	}
	return h[len(h)-1].Rules
}

// With is the history after e began. Eras that turned out to have no record go. So do the oldest, where there are too many.
func (h History) With(e Era) History {
	n := len(h)
	for n > 0 && h[n-1].From >= e.From {
		n--
	}
	next := append(History{}, h[:n]...)
	if next.Last() != e.Rules {
		next = append(next, e)
	}
	return next[max(0, len(next)-mostEras):]
}

// End is the offset at which the i-th era ends; the last one does not.
func (h History) End(i int) int64 {
	if i+1 < len(h) {
		return h[i+1].From
	}
	return math.MaxInt64
}
