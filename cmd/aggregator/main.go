package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	// A reader of stdout that goes away is an error like any other, not a signal
	// that ends the process without a word.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}

// The exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2 // usage, config, packs
)

// session is what a command is run with.
type session struct {
	in      io.Reader
	out     io.Writer // data
	err     io.Writer // everything else
	environ []string  // NAME=value
}

// variable is the value of an environment variable; "" if it is not set.
func (s *session) variable(name string) string {
	for _, v := range slices.Backward(s.environ) { // the last of a name wins
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// run carries out one command line, without the program's name, and returns the
// exit code. Tests call it as main does.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	s := &session{in: stdin, out: stdout, err: stderr, environ: environ}
	return s.report(s.command(ctx, args))
}

// report prints an error, unless it was reported before, and returns its exit code.
func (s *session) report(err error) int {
	var usage *usageError
	var bad faults
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &bad):
		fmt.Fprintln(s.err, bad.Error())
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintf(s.err, "aggregator: %s\n", usage.message)
		if usage.hint != "" {
			fmt.Fprintln(s.err, usage.hint)
		}
		return exitUsage
	case errors.Is(err, errReported):
		return exitFailed
	default:
		fmt.Fprintf(s.err, "aggregator: %v\n", err)
		return exitFailed
	}
}

// errReported ends a command that has reported by itself what failed.
var errReported = errors.New("failed, as reported")

// usageError is a command line that cannot be carried out.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }
