package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/console"
)

// defaultMaxLag is when the alerts of deploy/monitoring begin.
const defaultMaxLag = time.Minute

var statusCommand = &command{
	name: "status", args: "[-addr URL | -config FILE]", about: "says whether a running service does its work, and what it has to do",
	more: `The first line is the verdict: counting, and how far behind, or what is not right, a line for each
thing. Then come rules in force, rates, crossings, what waits to be published, and each partition.
Not right are: a partition that nobody counts, or of which it is not known how far it is counted; events
not counted, or crossings not published, for longer than -max-lag; rules that were not taken; a process
that is not ready or stands still. While partitions change hands, for some seconds, nobody counts them.
With -o json the answer of /api/v1/status goes to stdout, and what is not right to stderr.` + askMore + `
Exit: 0 all is right; 1 something is not, or there is no answer; 2 a fault of flags or config.`,
	flags: func(fs *flag.FlagSet) runner {
		o := statusOptions{maxLag: defaultMaxLag}
		o.flags(fs)
		fs.Var((*durationFlag)(&o.maxLag), "max-lag", "how old what is not counted, or not published, may be, as `15s`")
		return o.run
	},
}

type statusOptions struct {
	asking
	maxLag time.Duration
}

func (o *statusOptions) run(ctx context.Context, s *session, _ []string) error {
	if o.maxLag < 0 {
		return &usageError{message: "status: -max-lag is not negative"}
	}
	c, err := o.client(s)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := untilSignal(ctx)
	defer stop()
	status, err := c.Status(ctx)
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status >= 500 {
		return o.away(ctx, s, c, p)
	}
	if err != nil {
		return answered("status", err)
	}
	wrong, notes, err := c.Unready(ctx)
	if err != nil {
		notes = append(notes, err.Error())
	}
	h := &console.Health{Status: &status.Value, Wrong: wrong, Notes: notes, MaxLag: o.maxLag}
	verdict, right := h.Verdict()
	if o.json {
		if err := console.PrintJSON(s.out, status.JSON); err != nil {
			return err
		}
		if !right {
			fmt.Fprintln(s.err, strings.Join(verdict, "\n"))
		}
	} else if err := s.paper().Status(h); err != nil {
		return err
	}
	if !right {
		return errReported
	}
	return nil
}

// away reports that a process answers, and knows nothing: with what its probe says of that.
func (o *statusOptions) away(ctx context.Context, s *session, c *client.Client, p *client.Problem) error {
	wrong, _, err := c.Unready(ctx)
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	w := s.out
	if o.json {
		w = s.err
	}
	for _, text := range append([]string{p.Error()}, console.Grouped(wrong)...) {
		if _, err := fmt.Fprintln(w, "not right: "+console.Visible(text)); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return errReported
}
