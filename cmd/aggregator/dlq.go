package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/stream/deadletters"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
)

var dlqCommand = &command{
	name: "dlq", args: "-config FILE [-reason R] [-replay FILE|-] [-dry-run] [-o text|json]", about: "lists dead letters by reason, and puts repaired ones back",
	more: `Without -replay it reads the dead-letter topics of the config from their start to
where they end now, and prints each reason: how many, the first and the last, and
the newest one as an example, with the place of its record and what is wrong.
With -reason it prints every dead letter of that reason instead, one a line, as
JSON that can be edited:
  aggregator dlq -config FILE -reason missing > bad.ndjson
  jq -c '.value.type = "click"' bad.ndjson > good.ndjson
  aggregator dlq -config FILE -replay good.ndjson
-replay first judges all lines as the service will. If it would refuse one, that
is said, with its line, and nothing is sent. Then it looks through the log of each
partition for events that are there already. The others it sends, each into the
partition where it was refused, with its key, headers and id, and with the present
for its Kafka timestamp. So a file may be put back again after a crash: no event
is counted twice. For each line it prints what became of it, with topic, partition
and offset. With -reason only lines of that reason are taken; with -dry-run
nothing is sent.
Dead letters are as their producers wrote them: they may hold personal data.
Exit: 0 fine; 1 a line was refused, or it failed; 2 a fault of flags or config.`,
	flags: func(fs *flag.FlagSet) runner {
		o := dlqOptions{form: "text"}
		fs.StringVar(&o.config, "config", "", "the config `file` (needed)")
		fs.StringVar(&o.reason, "reason", "", "print every dead letter of this `reason`, one a line; with -replay: take only those lines")
		fs.StringVar(&o.replay, "replay", "", "put the records of a `file` back; - for stdin")
		fs.BoolVar(&o.dryRun, "dry-run", false, "with -replay: judge the lines and look through the log, but send nothing")
		fs.Func("o", "the `form` of the list of reasons: text or json (default text)", o.setForm)
		return o.run
	},
}

type dlqOptions struct {
	config, reason, replay string
	dryRun                 bool
	form                   string
}

func (o *dlqOptions) setForm(s string) error {
	if o.form = s; s != "text" && s != "json" {
		return errors.New("want text or json")
	}
	return nil
}

func (o *dlqOptions) run(ctx context.Context, s *session, _ []string) error {
	switch {
	case o.config == "":
		return &usageError{message: "dlq: -config is missing"}
	case o.dryRun && o.replay == "":
		return &usageError{message: "dlq: -dry-run is for -replay"}
	}
	c, bad := s.loadConfig(o.config)
	if err := bad.orNil(); err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	if o.replay != "" {
		return o.putBack(ctx, s, c)
	}
	return o.list(ctx, s, c)
}

// list prints the reasons, or the letters of one.
func (o *dlqOptions) list(ctx context.Context, s *session, c *config) error {
	log, end := c.kafka.Source()
	defer end()
	var topics []string
	for _, t := range c.kafka.Events {
		if dead := c.kafka.DeadTopic(t); !slices.Contains(topics, dead) {
			topics = append(topics, dead)
		}
	}
	bar := terminal.NewProgressBar(s.err, 0, "dead letters")
	defer bar.Clear()
	out := bufio.NewWriterSize(s.out, 64<<10)
	survey := deadletters.Survey{Source: log, Topics: topics, Progress: bar.Part}
	if o.reason != "" {
		survey.Each = o.printer(out, bar)
	}
	found, err := survey.Run(ctx)
	bar.Clear()
	if err := errors.Join(err, flush(out)); err != nil {
		return fmt.Errorf("dlq: %w", err)
	}
	switch {
	case o.reason != "":
		return o.summarizeReason(s, found)
	case o.form == "json":
		return printReasonsJSON(s.out, topics, found)
	}
	return printReasons(s.out, topics, found)
}

func flush(w *bufio.Writer) error {
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// printer prints the letters of the one reason.
func (o *dlqOptions) printer(out *bufio.Writer, bar *terminal.ProgressBar) func(*deadletters.Letter) error {
	var text []byte
	return func(l *deadletters.Letter) error {
		if l.Reason != o.reason {
			return nil
		}
		bar.Clear()
		text = l.AppendLine(text[:0])
		if _, err := out.Write(text); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return nil
	}
}

// summarizeReason says how many letters were printed, and which reasons there are if there were none.
func (o *dlqOptions) summarizeReason(s *session, found []deadletters.Summary) error {
	var names []string
	for i := range found {
		if found[i].Reason == o.reason {
			fmt.Fprintf(s.err, "dlq: %s of reason %s\n", humanize.Count(int(found[i].Count), "dead letter"), o.reason)
			return nil
		}
		names = append(names, deadletters.Shown(found[i].Reason))
	}
	if names == nil {
		names = []string{"none"}
	}
	fmt.Fprintf(s.err, "dlq: no dead letter of reason %s; reasons there are: %s\n", deadletters.Shown(o.reason), strings.Join(names, ", "))
	return nil
}

// printReasons prints them for people.
func printReasons(w io.Writer, topics []string, found []deadletters.Summary) error {
	all := 0
	for i := range found {
		all += int(found[i].Count)
	}
	text := []byte(fmt.Sprintf("%s: %s\n", strings.Join(topics, ", "), humanize.Count(all, "dead letter")))
	for i := range found {
		text = found[i].AppendText(append(text, '\n'))
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// printReasonsJSON prints them for programs.
func printReasonsJSON(w io.Writer, topics []string, found []deadletters.Summary) error {
	list := make([]json.RawMessage, len(found))
	for i := range found {
		list[i] = found[i].AppendJSON(nil)
	}
	text, err := json.Marshal(struct {
		Topics  []string          `json:"topics"`
		Reasons []json.RawMessage `json:"reasons"`
	}{topics, list})
	if err != nil {
		panic("BUG: reasons that are no JSON: " + err.Error())
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// putBack puts the lines of a file back.
func (o *dlqOptions) putBack(ctx context.Context, s *session, c *config) error {
	in, name, _, err := openEvents(s, []string{o.replay})
	if err != nil {
		return err
	}
	defer in.Close()
	log, end := c.kafka.Source()
	defer end()
	producer, hangUp := c.kafka.Producer()
	defer hangUp()
	bar := terminal.NewProgressBar(s.err, 0, "records looked through")
	defer bar.Clear()
	p := deadletters.NewPutBack(log, producer, c.kafka.Events)
	p.Intake, p.Reason, p.DryRun, p.Progress = c.intake, o.reason, o.dryRun, bar.Part
	p.Told = func(x *deadletters.Outcome) error {
		bar.Clear()
		_, err := s.out.Write(x.AppendJSON(nil))
		return err
	}
	refused, err := p.Read(ctx, in)
	if err != nil {
		return fmt.Errorf("dlq: %s: %w", name, err)
	}
	if len(refused) > 0 {
		printRefused(s.err, name, refused)
		return errReported
	}
	began := time.Now()
	err = p.Run(ctx)
	bar.Clear()
	o.summarizePutBack(s.err, &p.Totals, time.Since(began))
	if err != nil {
		return fmt.Errorf("dlq: %w", err)
	}
	return nil
}

// mostRefused is how many refused lines are printed.
const mostRefused = 1_000

func printRefused(w io.Writer, name string, refused []deadletters.Refusal) {
	for _, r := range refused[:min(len(refused), mostRefused)] {
		reason := ""
		if r.Reason != "" {
			reason = r.Reason + ": "
		}
		fmt.Fprintf(w, "%s:%d: %s%v\n", name, r.Line, reason, r.Err)
	}
	fmt.Fprintf(w, "dlq: nothing was sent: %s cannot be put back\n", humanize.Count(len(refused), "line"))
}

// summarizePutBack says what became of the lines, also if it failed.
func (o *dlqOptions) summarizePutBack(w io.Writer, t *deadletters.Totals, took time.Duration) {
	sent := "sent"
	if o.dryRun {
		sent = "to send"
	}
	text := fmt.Sprintf("dlq: %s: %s %s, there already %s, repeats of an earlier line %s",
		humanize.Count(t.Records, "record"), sent, humanize.Number(t.Sent), humanize.Number(t.There), humanize.Number(t.Repeated))
	if t.Passed > 0 {
		text += ", of other reasons " + humanize.Number(t.Passed)
	}
	fmt.Fprintf(w, "%s; %s\n", text, took.Round(time.Millisecond))
	if n := t.Left(); n > 0 {
		fmt.Fprintf(w, "dlq: not known to be sent: %s; put the whole file back again, what is there is not sent twice\n", humanize.Count(n, "record"))
	}
}
