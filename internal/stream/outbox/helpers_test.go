package outbox

import (
	"log/slog"
	"syscall"

	"github.com/segmentio/kafka-go"
)

var (
	discard = slog.New(slog.DiscardHandler)
	errCut  = &cutError{}
)

// cutError is the end of a connection.
type cutError struct{}

func (*cutError) Error() string { return "connection cut by the test" }
func (*cutError) Unwrap() error { return syscall.ECONNRESET }

// headersOf are the headers of a message by name.
func headersOf(m kafka.Message) map[string]string {
	all := map[string]string{}
	for _, h := range m.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}

// outboxPack has a crossing for every event.
const outboxPack = `
pack: outbox
measures: {clicks: {sum: count, types: [click]}}
rules: [{id: r, title: t, cite: c, by: incident, window: 730d, step: 1d, limits: {clicks: 2}, levels: [0.5, 1]}]
`
