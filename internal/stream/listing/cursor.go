package listing

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// ErrCursor is a cursor that is none, or of rules that are not loaded any more.
var ErrCursor = errors.New("the cursor is none of this list, or of before a change of the rules: begin without one")

// cursorForm is the form of cursors: a byte of it, the progress, the rule's id with its length, and the subject's.
const cursorForm = 1

// cursorOf is the cursor of what comes after a row.
func (r *Reader) cursorOf(c *candidate) string {
	b := binary.AppendUvarint([]byte{cursorForm}, c.progress)
	b = binary.AppendUvarint(b, uint64(len(c.rule.ID)))
	b = append(append(b, c.rule.ID...), c.id...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor is the row that a cursor comes after; nil: it is that of the first page.
func (r *Reader) parseCursor(cursor string) (*candidate, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) == 0 || b[0] != cursorForm {
		return nil, ErrCursor
	}
	progress, n := binary.Uvarint(b[1:])
	if n <= 0 {
		return nil, ErrCursor
	}
	b = b[1+n:]
	length, n := binary.Uvarint(b)
	if n <= 0 || uint64(len(b)-n) < length {
		return nil, ErrCursor
	}
	id, b := string(b[n:n+int(length)]), b[n+int(length):]
	order := 0
	for rule := range r.Program.Rules {
		if rule.ID == id {
			return &candidate{rule: rule, order: order, id: b, progress: progress}, nil
		}
		order++
	}
	return nil, ErrCursor
}
