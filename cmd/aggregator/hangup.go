package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// hangups are SIGHUPs, which many programs take for "read your config again". By default they would end the process.
type hangups chan os.Signal

func catchHangups() hangups {
	h := make(hangups, 1)
	signal.Notify(h, syscall.SIGHUP)
	return h
}

// log says of each that it does nothing, until ctx ends.
func (h hangups) log(ctx context.Context, log *slog.Logger) {
	go func() {
		for {
			select {
			case <-h:
				log.Warn("SIGHUP does nothing: config and packs are read at the start, so restart to change them")
			case <-ctx.Done():
				return
			}
		}
	}()
}

func (h hangups) stop() { signal.Stop(h) }
