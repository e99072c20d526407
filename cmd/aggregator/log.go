package main

import (
	"io"
	"log/slog"

	"github.com/seed-afe14ff2/aggregator/internal/terminal"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// newLog makes the log of a service: text for a terminal, JSON for machines,
// unless the config says which.
func newLog(w io.Writer, level, format string) *slog.Logger {
	o := &slog.HandlerOptions{}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		panic("BUG: the config let a log level through: " + err.Error())
	}
	o.Level = l
	if format == "text" || format == "auto" && terminal.Is(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(harmless{w}, o))
}

// harmless writes lines of JSON in which what acts on those who read them is escaped. An id may hold anything, and slog escapes only
// what JSON asks for. (Lines of text are quoted by slog where anything cannot be printed.)
type harmless struct{ to io.Writer }

// Write is io.Writer's. slog writes each line at once.
func (h harmless) Write(line []byte) (int, error) {
	if _, err := h.to.Write(thresholds.AppendShown(nil, line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
