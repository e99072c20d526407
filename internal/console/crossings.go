package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// crossingLine is a crossing: when its event was, how grave, which level, which rule, what.
func crossingLine(x *client.Crossing) line {
	style, level := yellow, number(x.Level)
	switch {
	case x.Status == "cleared":
		style, level = plain, "clear"
	case x.Level >= 1:
		style = red
	}
	return line{style, fmt.Sprintf("event %s  %s  %s  %s  %s", stamp(&x.Time), pad(Visible(x.Severity), len("critical"), false), pad(level, len("clear"), false),
		Visible(x.Rule), Visible(x.Summary))}
}

// Crossings prints crossings in their order. from is how far back the list of all of them reaches.
func (p *Paper) Crossings(list []client.Item[client.Crossing], from *time.Time) error {
	switch {
	case len(list) > 0:
	case from == nil:
		return p.print(line{plain, "Nothing has crossed yet."})
	default:
		return p.print(line{plain, "No crossing is as asked for. The list reaches back to " + stamp(from) + "."})
	}
	for i := range list {
		if err := p.print(crossingLine(&list[i].Value)); err != nil {
			return err
		}
	}
	return nil
}

// PrintJSON prints a text of JSON in a line, as it is, except that what acts on a terminal is escaped.
func PrintJSON(w io.Writer, text json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return err
	}
	if _, err := w.Write(append(thresholds.AppendShown(nil, b.Bytes()), '\n')); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// Feed prints crossings as they come, after some that came before. What happens to the connection goes to Err.
type Feed struct {
	Paper  *Paper
	JSON   bool
	Err    io.Writer
	Client *client.Client
	Filter client.Filter
	Before int // crossings that came before, at most

	opened bool
	shown  map[place]bool // of those that came before: the stream may have them, too
}

type place struct {
	partition int
	offset    int64
}

func placeOf(x *client.Crossing) place { return place{x.Partition, x.Offset} }

// Opened prints what came before, once the stream listens: so nothing is between them.
func (f *Feed) Opened(ctx context.Context) error {
	if f.opened {
		f.tell("connected again")
		return nil
	}
	f.opened, f.shown = true, map[place]bool{}
	list, _, err := f.Client.Crossings(ctx, &f.Filter, max(f.Before, 1)) // the service says whether it knows such a filter
	if err != nil {
		return err
	}
	for _, x := range slices.Backward(list[:min(f.Before, len(list))]) {
		f.shown[placeOf(&x.Value)] = true
		if err := f.show(&x); err != nil {
			return err
		}
	}
	return nil
}

// Crossing prints one, if it is asked for.
func (f *Feed) Crossing(x client.Item[client.Crossing]) error {
	if !f.Filter.Has(&x.Value) || f.shown[placeOf(&x.Value)] {
		return nil
	}
	return f.show(&x)
}

func (f *Feed) show(x *client.Item[client.Crossing]) error {
	if f.JSON {
		return PrintJSON(f.Paper.W, x.JSON)
	}
	return f.Paper.print(crossingLine(&x.Value))
}

// Gap tells that some are missing.
func (f *Feed) Gap(from *time.Time) {
	if from == nil {
		f.tell("gap: some crossings that came meanwhile may be missing here; the crossings topic has them all")
		return
	}
	f.tell("gap: crossings that came meanwhile, before " + stamp(from) + ", are missing here; the crossings topic has them all")
}

// Away tells that the service has no servers.
func (f *Feed) Away(detail string) {
	f.tell("the service does not know what comes, and goes on by itself: " + detail)
}

// Back tells that it has them again.
func (f *Feed) Back() { f.tell("the service has its servers again") }

// Lost tells that the connection is lost.
func (f *Feed) Lost(err error, pause time.Duration) {
	f.tell(fmt.Sprintf("connection lost: %v; trying again in %s", err, span(pause)))
}

func (f *Feed) tell(text string) { fmt.Fprintln(f.Err, "crossings: "+Visible(text)) }
