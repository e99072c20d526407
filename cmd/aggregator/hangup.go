package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups are SIGHUPs, which ask for the rules to be read again. By default they would end the process.
type hangups chan os.Signal

func catchHangups() hangups {
	h := make(hangups, 1)
	signal.Notify(h, syscall.SIGHUP)
	return h
}

func (h hangups) stop() { signal.Stop(h) }
