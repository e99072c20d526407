package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/console"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
)

var topCommand = &command{
	name: "top", args: "[-by KIND] [-rule RULE] [-min-progress P] [-n N]", about: "shows which subjects are nearest to a limit, again and again",
	more: `On a terminal it asks again every two seconds, until q or Ctrl-C; what was seen last stays. Elsewhere, and
with TERM=dumb, it prints once. With NO_COLOR it has no colours.
RATE is progress an hour, and IN is how long it takes to the limit at that rate: "silent" if by that the
limit should have been reached already, or nothing came for an hour; "at it" and "over" it. A level that is due was asked for by rules that
changed, and comes with the subject's next event.
With -o json the rows of /api/v1/subjects, one a line, once.` + askMore + `
Exit: 0 fine; 1 there is no answer; 2 a fault of flags or config.`,
	flags: func(fs *flag.FlagSet) runner {
		o := topOptions{every: 2 * time.Second}
		o.flags(fs)
		fs.StringVar(&o.query.By, "by", "", "only subjects of this `kind`: incident, account, content or group")
		fs.StringVar(&o.query.Rule, "rule", "", "only this `rule`, which is in force")
		fs.StringVar(&o.query.MinProgress, "min-progress", "", "only those at this `progress` or more: 0.8; 1 is the limit")
		fs.IntVar(&o.most, "n", 0, fmt.Sprintf("how many rows, up to %d; 0: as many as the terminal has room for, %d elsewhere", mostRows, usualRows))
		fs.Var((*durationFlag)(&o.every), "every", "how often it asks, as `2s`")
		return o.run
	},
}

type topOptions struct {
	asking
	query client.Nearest
	most  int
	every time.Duration
}

const (
	usualRows  = 20
	mostRows   = 100_000
	leastEvery = 100 * time.Millisecond
)

func (o *topOptions) run(ctx context.Context, s *session, _ []string) error {
	if o.most < 0 || o.most > mostRows {
		return &usageError{message: fmt.Sprintf("top: -n is from 0 to %d", mostRows)}
	}
	if o.every < leastEvery {
		return &usageError{message: fmt.Sprintf("top: -every is %v or more", leastEvery)}
	}
	c, err := o.client(s)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := untilSignal(ctx)
	defer stop()
	if !o.json && terminal.Is(s.out) && !s.dumb() {
		live := console.Top{Client: c, Query: o.query, Most: o.most, Every: o.every, In: s.in, Out: s.out, Colour: s.paper().Colour}
		if err := live.Run(ctx); err != nil {
			return answered("top", err)
		}
		return nil
	}
	if o.most == 0 {
		o.most = usualRows
	}
	rows, err := c.Nearest(ctx, o.query, o.most)
	if err != nil {
		return answered("top", err)
	}
	if !o.json {
		return s.paper().Nearest(rows, c.Now())
	}
	for i := range rows {
		if err := console.PrintJSON(s.out, rows[i].JSON); err != nil {
			return err
		}
	}
	return nil
}
