//go:build faultpoints

package faultpoint

import (
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// deadline is where the process kills itself, for tests of crashes, or goes round in a circle, for those of what watches it.
// A build without the tag faultpoints has no such thing.
type deadline struct {
	point string
	left  atomic.Int64 // passings, from the moment it is armed; 0: not armed
	delay time.Duration
	spins bool
	freed atomic.Bool // from its circle
}

// fate is read from the variable FAULTPOINT, as in "commit 17 2ms": the name of a point, at which
// passing of it the process dies, and the most time from there to the death. Passings are counted
// from the signal SIGUSR1 on. With "spin" in place of the time it loops there, until the signal
// comes again.
var fate = readFate(strings.Fields(os.Getenv("FAULTPOINT")))

func readFate(fields []string) *deadline {
	d := &deadline{}
	if len(fields) != 3 {
		return d
	}
	nth, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		panic("FAULTPOINT: " + err.Error())
	}
	if d.spins = fields[2] == "spin"; !d.spins {
		if d.delay, err = time.ParseDuration(fields[2]); err != nil {
			panic("FAULTPOINT: " + err.Error())
		}
	}
	d.point = fields[0]
	armed := make(chan os.Signal, 1)
	signal.Notify(armed, syscall.SIGUSR1)
	go func() { // as old as the process
		<-armed
		d.left.Store(nth)
		<-armed
		d.freed.Store(true)
	}()
	return d
}

// Pass is called where the way of an event passes a point of that name.
func Pass(name string) {
	if name != fate.point || fate.left.Load() == 0 || fate.left.Add(-1) != 0 {
		return
	}
	for fate.spins {
		if fate.freed.Load() {
			return
		}
	}
	if fate.delay == 0 {
		die()
	}
	time.AfterFunc(rand.N(fate.delay), die)
}

// die ends the process as a crash does.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
