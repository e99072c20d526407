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
	name: "show", args: "[-addr URL | -config FILE] [-shadow] KIND/ID", about: "shows a subject: its limits, how its counts came about, its crossings", most: 1,
	more: `KIND/ID is as incident/inc-42. The kind ends at the first slash; what follows is the id, whatever it holds.
Shown are every rule of its kind, with each measure beside its limit; what came when, as a chart; the
newest 50 crossings; and the command that counts the subject again from the log.
With -shadow also its newest 50 crossings of rules that are only tried.
With -o json the answer of /api/v1/subject.` + askMore + `
Exit: 0 fine; 1 nothing is counted of it, or there is no answer; 2 a fault of flags or config.`,
	flags: func(fs *flag.FlagSet) runner {
		var o showOptions
		o.flags(fs)
		fs.BoolVar(&o.shadow, "shadow", false, "also its crossings of rules that are only tried, if there is a topic of them (kafka.shadow)")
		return o.show
	},
}

type showOptions struct {
	asking
	shadow bool
}

// subjectCrossings is how many crossings of a subject are shown, as the API shows them of itself.
const subjectCrossings = 50

func (a *showOptions) show(ctx context.Context, s *session, args []string) error {
	if len(args) == 0 {
		return &usageError{message: "show: KIND/ID is missing, as incident/inc-42"}
	}
	by, id, _ := strings.Cut(args[0], "/")
	if _, ok := thresholds.ParseKind(by); !ok || id == "" {
		return &usageError{message: fmt.Sprintf("show: %q is not KIND/ID, as incident/inc-42; kinds are %s", args[0], strings.Join(kindNames(), ", "))}
	}
	if a.shadow && a.json {
		return &usageError{message: "show: -shadow is for people; `crossings -shadow -by KIND -subject ID -o json` has the records"}
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
	var tried []client.Item[client.Crossing]
	if a.shadow {
		if tried, _, err = c.Crossings(ctx, &client.Filter{By: by, Subject: id, Shadow: true}, subjectCrossings); err != nil {
			return answered("show", err)
		}
	}
	return s.paper().Subject(&subject.Value, rules, tried, c.Now())
}
