package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/console"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

var showCommand = &command{
	name: "show", args: "[-addr URL | -config FILE] KIND/ID", about: "shows a subject: its limits, how its counts came about, its crossings", most: 1,
	more: `KIND/ID is as incident/inc-42. The kind ends at the first slash; what follows is the id, whatever it holds.
Shown are every rule of its kind, with each measure beside its limit; what came when, as a chart; the
newest 50 crossings; and the command that counts the subject again from the log.
With -o json the answer of /api/v1/subject.` + askMore + `
Exit: 0 fine; 1 nothing is counted of it, or there is no answer; 2 a fault of flags or config.`,
	flags: func(fs *flag.FlagSet) runner {
		var o asking
		o.flags(fs)
		return o.show
	},
}

func (a *asking) show(ctx context.Context, s *session, args []string) error {
	if len(args) == 0 {
		return &usageError{message: "show: KIND/ID is missing, as incident/inc-42"}
	}
	by, id, _ := strings.Cut(args[0], "/")
	if _, ok := thresholds.ParseKind(by); !ok || id == "" {
		return &usageError{message: fmt.Sprintf("show: %q is not KIND/ID, as incident/inc-42; kinds are %s", args[0], strings.Join(kindNames(), ", "))}
	}
	c, err := a.client(s)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := untilSignal(ctx)
	defer stop()
	subject, err := c.Subject(ctx, by, id)
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusNotFound {
		return fmt.Errorf("show: %s: it may have had no event yet, or its windows are empty and it was forgotten", console.Visible(p.Detail))
	}
	if err != nil {
		return answered("show", err)
	}
	if a.json {
		return console.PrintJSON(s.out, subject.JSON)
	}
	rules, err := c.Rules(ctx)
	if err != nil {
		return answered("show", err)
	}
	return s.paper().Subject(&subject.Value, rules, c.Now())
}
