package main

import (
	"io"
	"log/slog"

	"github.com/seed-afe14ff2/aggregator/internal/terminal"
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
	return slog.New(slog.NewJSONHandler(w, o))
}
