package board

import (
	"encoding/json"
	"iter"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// patience is how long a client may take to read what was written: a block of an answer, or some events of the stream. Then it is cut off.
const patience = 10 * time.Second

// pieces is an answer that is made while it is written. So a client that reads slowly does not make the process keep it. A piece is only good
// until the next one.
type pieces iter.Seq[[]byte]

// unread is the answers that are whole, and not read yet.
type unread struct {
	patience time.Duration

	mu    sync.Mutex
	bytes int // of those that are more than a block
}

// begin notes an answer; false: there is no room for it.
func (u *unread) begin(bytes int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if bytes <= blockBytes {
		return true
	}
	if u.bytes > 0 && u.bytes+bytes > unreadBytes {
		return false
	}
	u.bytes += bytes
	return true
}

func (u *unread) end(bytes int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if bytes > blockBytes {
		u.bytes -= bytes
	}
}

// send answers with what is to be shown.
func (u *unread) send(w http.ResponseWriter, shown any) {
	if made, ok := shown.(pieces); ok {
		u.write(w, made)
		return
	}
	text := encode(shown)
	if !u.begin(len(text)) {
		away("too many answers are not read yet by those who asked").Write(w)
		return
	}
	defer u.end(len(text))
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	u.write(w, func(yield func([]byte) bool) { yield(text) })
}

// write answers with JSON, block by block. Each block has its time: so who reads slowly has the whole answer in the end, and who does not
// read is cut off.
func (u *unread) write(w http.ResponseWriter, made pieces) {
	secure(w)
	w.Header().Set("Content-Type", "application/json")
	control := http.NewResponseController(w)
	write := func(block []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(u.patience)) // a writer without one is no connection
		_, err := w.Write(block)
		return err == nil // or whoever asked has gone
	}
	var block []byte
	for piece := range made {
		for len(piece) > 0 {
			n := min(len(piece), blockBytes-len(block))
			block, piece = append(block, piece[:n]...), piece[n:]
			if len(block) < blockBytes {
				break
			}
			if !write(block) {
				return
			}
			block = block[:0]
		}
	}
	write(block)
}

// encode is a value as JSON that can be shown anywhere.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: an answer that is no JSON: " + err.Error())
	}
	return thresholds.AppendShown(nil, b)
}

// secure keeps browsers from taking an answer for a page, and from keeping it.
func secure(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}
