package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// result is what one command line gave.
type result struct {
	code     int
	out, err string
}

// call carries out a command line as main does.
func call(stdin string, environ []string, args ...string) result {
	var out, err bytes.Buffer
	code := run(context.Background(), args, strings.NewReader(stdin), &out, &err, environ)
	return result{code, out.String(), err.String()}
}

// limit is how long a test waits for anything. Nothing comes near it that works.
const limit = 60 * time.Second

// process is a command line that runs until it is stopped.
type process struct {
	out, err *servers.Output
	stop     context.CancelFunc
	code     chan int
}

// start carries out a command line beside the test, and stops it at the test's end.
func start(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{out: &servers.Output{}, err: &servers.Output{}, stop: cancel, code: make(chan int, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.code <- run(ctx, args, strings.NewReader(""), p.out, p.err, environ)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return p
}

// exit waits for the exit code.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.code:
		return code
	case <-time.After(limit):
		t.Fatalf("it does not end:\n%s", p.err.String())
		return -1
	}
}

// noLeaks fails the test if goroutines of it still run.
func noLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		goleak.VerifyNone(t, before)
	})
}

// failingWriter is an output whose reader has gone.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// lines are the lines of a text, without their ends.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
