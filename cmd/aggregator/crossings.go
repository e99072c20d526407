package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/console"
)

var crossingsCommand = &command{
	name: "crossings", args: "[-f] [-rule RULE] [-by KIND] [-subject ID] [-status STATUS] [-shadow] [-since TIME] [-n N]", about: "lists the newest crossings, and with -f follows them as they come",
	more: `The newest come first. With -f they are printed as they came, the last ones first, and then each one as it
comes, until Ctrl-C. After a lost connection it goes on where it was, and says so on stderr, with what it
may have missed. How far back the list reaches is http.crossings of the service.
With -shadow they are those of rules that are only tried, from their own topic, and not followed.
With -o json the records of the topic, one a line, with topic, partition and offset beside them.` + askMore + `
Exit: 0 fine; 1 there is no answer; 2 a fault of flags or config.`,
	flags: func(fs *flag.FlagSet) runner {
		o := crossingsOptions{most: -1}
		o.flags(fs)
		fs.BoolVar(&o.follow, "f", false, "print crossings as they come, too")
		fs.StringVar(&o.filter.Rule, "rule", "", "only those of this `rule`, which need not be in force any more")
		fs.StringVar(&o.filter.By, "by", "", "only subjects of this `kind`: incident, account, content or group")
		fs.StringVar(&o.filter.Subject, "subject", "", "only subjects with this `id`")
		fs.StringVar(&o.filter.Status, "status", "", "only those that are `crossed`, or cleared")
		fs.BoolVar(&o.filter.Shadow, "shadow", false, "those of rules that are only tried, if there is a topic of them (kafka.shadow)")
		fs.Func("since", "only those published since this `time`: 2026-11-30T09:00:00Z, or 90m for so long ago", o.setSince)
		fs.IntVar(&o.most, "n", -1, fmt.Sprintf("how many at most, up to %d; by default %d, and %d before those that come", mostRows, usualRows, usualBefore))
		return o.run
	},
}

type crossingsOptions struct {
	asking
	filter client.Filter
	follow bool
	most   int // -1: as many as are usual
}

// usualBefore is how many crossings stand before those that come, as with tail -f.
const usualBefore = 10

func (o *crossingsOptions) setSince(text string) error {
	at, err := parseTime(text)
	if back, bad := parseDuration(text); bad == nil && back >= 0 {
		at, err = time.Now().Add(-back), nil
	}
	if err != nil {
		return errors.New("it is a time, as 2026-11-30T09:00:00Z, or how long ago, as 90m" + unitHint(text, 0))
	}
	o.filter.Since = at.UTC().Format(time.RFC3339Nano)
	return nil
}

func (o *crossingsOptions) run(ctx context.Context, s *session, _ []string) error {
	switch {
	case o.follow && o.filter.Shadow:
		return &usageError{message: "crossings: -f follows the crossings topic alone; leave -f or -shadow out"}
	case o.most == -1 && o.follow:
		o.most = usualBefore
	case o.most == -1:
		o.most = usualRows
	case o.most < 0 || o.most > mostRows, o.most == 0 && !o.follow:
		return &usageError{message: fmt.Sprintf("crossings: -n is from 1 to %d, or 0 with -f", mostRows)}
	}
	c, err := o.client(s)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := untilSignal(ctx)
	defer stop()
	if o.follow {
		feed := &console.Feed{Paper: s.paper(), JSON: o.json, Err: s.err, Client: c, Filter: o.filter, Before: o.most}
		if err := c.Follow(ctx, feed); err != nil {
			return answered("crossings", err)
		}
		return nil
	}
	list, from, err := c.Crossings(ctx, &o.filter, o.most)
	if err != nil {
		return answered("crossings", err)
	}
	if !o.json {
		return s.paper().Crossings(list, from)
	}
	for i := range list {
		if err := console.PrintJSON(s.out, list[i].JSON); err != nil {
			return err
		}
	}
	return nil
}
