package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
)

// Unreadable is the error of a subject of which what is stored cannot be read, though the store answers: it is damaged, or written all
// the time.
type Unreadable struct{ error }

func unreadable(what string, shard int, err error) error {
	return &Unreadable{fmt.Errorf("read %s of shard %d: %w", what, shard, err)}
}

var errBusy = errors.New("it was written again and again meanwhile")

// wholeTries is how often a subject is read again that is written meanwhile.
const wholeTries = 5

// Whole makes a subject of its record, with its histories, as they are at one moment: the record is read again if there are any. It
// returns the record that the subject is made of; both are nil if there is none any more, and the subject if it is not Wanted. An error is Unreadable, then with the record,
// or of the store.
func (r *Reader) Whole(ctx context.Context, where Place, kind thresholds.Kind, id string, record []byte) (*engine.Subject, []byte, error) {
	for range wholeTries {
		if record == nil {
			return nil, nil, nil
		}
		ws, err := windows.DecodeSubject(&r.Program.Kinds[kind].Layout, record)
		if err != nil {
			return nil, record, unreadable("a subject", where.Shard, err)
		}
		s := engine.NewSubject(ws, kind, id)
		if r.Wanted != nil && !r.Wanted(s) {
			return nil, record, nil
		}
		parts := ws.NeedsHistory(nil)
		if len(parts) == 0 {
			return s, record, nil
		}
		keys := [][]byte{where.Key}
		for _, part := range parts {
			keys = append(keys, r.Store.Keys().AppendPartKey(nil, where.Shard, ws.PartID(nil, part), kind.String(), []byte(id)))
		}
		values, err := r.Store.Load(ctx, where.Shard, keys, nil)
		if err != nil {
			return nil, nil, err
		}
		if !bytes.Equal(values[0], record) {
			record = values[0]
			continue
		}
		for i, part := range parts {
			if err := ws.Load(part, values[1+i]); err != nil {
				return nil, record, unreadable("a history", where.Shard, err)
			}
		}
		return s, record, nil
	}
	return nil, record, unreadable("a subject", where.Shard, errBusy)
}
