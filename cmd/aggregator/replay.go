package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

var replayCommand = &command{
	name: "replay", args: "[-config FILE] [-rules FILE]... [-counts] [-strict] [-now TIME] [FILE|-]", most: 1,
	about: "applies events from a file and prints the crossings that they give",
	more: `FILE holds one event a line, as JSON; without it, or with -, stdin is read.
Crossings go to stdout, one a line. Malformed lines go to stderr with their number,
are counted and passed over. Everything runs in memory, with the code of run.
The last line, on stderr, counts events: matched (a rule counts them), unmatched (no
rule does), duplicate (their id came within dedupe.window), malformed, ahead (of -now), and
canary (the service's own), if there are any;
then late for a subject (too old for all that it counts) and refused by after (they
came before what they count after), both for each subject of an event.
Exit: 0 fine; 1 failed, and with -strict also if a line was malformed or ahead;
2 a fault of flags, config or packs.`,
	flags: func(fs *flag.FlagSet) runner {
		var o replayOptions
		fs.StringVar(&o.config, "config", "", "the config `file`, for its packs and for how events are taken in")
		fs.Var(&o.rules, "rules", "a pack's `file` or a built-in pack's name; replaces the config's; may be repeated")
		fs.BoolVar(&o.counts, "counts", false, "after the crossings, print where every subject stands")
		fs.BoolVar(&o.strict, "strict", false, "exit 1 if a line was malformed, or its time ahead")
		fs.Func("now", "the `time` (RFC 3339) that max_ahead is measured from; by default the clock's", o.setNow)
		return o.run
	},
}

type replayOptions struct {
	config         string
	rules          texts
	counts, strict bool
	now            time.Time
}

func (o *replayOptions) setNow(s string) (err error) {
	o.now, err = parseTime(s)
	return err
}

// parseTime reads the time of a flag. It must lie where nanoseconds reach.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, errors.New("it is written as 2026-01-31T09:30:00Z")
	}
	if !time.Unix(0, t.UnixNano()).Equal(t) {
		err = fmt.Errorf("it lies outside of the years 1678 to 2261")
	}
	return t, err
}

func (o *replayOptions) run(ctx context.Context, s *session, args []string) error {
	c, p, err := s.program(o.config, o.rules)
	if err != nil {
		return err
	}
	in, name, size, err := openEvents(s, args)
	if err != nil {
		return err
	}
	defer in.Close()
	if o.now.IsZero() {
		o.now = time.Now()
	}
	r := &replayer{session: s, name: name, lines: newLineReader(in), out: bufio.NewWriterSize(s.out, 64<<10)}
	r.bar = terminal.NewProgressBar(s.err, size, "lines")
	r.replay = engine.NewReplay(p, c.intake, o.now.UnixNano(), r.crossing)
	if err := r.run(ctx, o.counts); err != nil {
		return err
	}
	st := r.replay.Stats
	if st.Ahead > 0 {
		fmt.Fprintf(s.err, "replay: what is ahead lies more than %v (max_ahead) after %s, which -now changes\n", c.intake.MaxAhead, o.now.UTC().Format(time.RFC3339))
	}
	if o.strict && st.Malformed+st.Ahead > 0 {
		return errReported
	}
	return nil
}

// stdin is what the standard input is called in messages.
const stdin = "stdin"

// openEvents opens the file to replay. Its size is 0 if that is not known.
func openEvents(s *session, args []string) (in io.ReadCloser, name string, size int64, err error) {
	if len(args) == 0 || args[0] == "-" {
		return io.NopCloser(s.in), stdin, 0, nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, "", 0, err
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return f, args[0], size, nil
}

// replayer feeds lines to a replay and prints the results.
type replayer struct {
	*session
	name      string
	lines     *lineReader
	out       *bufio.Writer // remembers its first error
	bar       *terminal.ProgressBar
	replay    *engine.Replay
	line      []byte // scratch for output
	crossings int
	hinted    bool
	garbled   string // what the file as a whole is in place of lines of JSON, a reason; "": nothing else
	named     int    // malformed lines of such a file that were printed
	unshown   int    // malformed lines that were not
}

func (r *replayer) crossing(c *thresholds.Crossing) {
	r.crossings++
	r.print(c.AppendJSON(r.line[:0]))
}

func (r *replayer) print(line []byte) {
	r.line = append(line, '\n')
	_, _ = r.out.Write(r.line) // flush returns the error
}

func (r *replayer) flush() error {
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (r *replayer) run(ctx context.Context, counts bool) error {
	began := time.Now()
	defer r.bar.Clear()
	for ctx.Err() == nil {
		// What is known is shown before the reader waits for more.
		if r.lines.waits() {
			if err := r.flush(); err != nil {
				return err
			}
		}
		line, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			return r.finish(began, counts)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", r.name, err)
		}
		r.take(line)
		if err := r.failed(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// failed is the error of an earlier write, if the buffer remembers one.
func (r *replayer) failed() error {
	if _, err := r.out.Write(nil); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (r *replayer) take(line []byte) {
	if len(line) > 0 {
		if err := r.replay.Line(line); err != nil {
			r.refused(line, err)
		} else {
			r.garbled = "" // it does hold lines of JSON
		}
	}
	r.bar.Lines(r.lines.number, r.lines.read)
}

// hintUnmatched prints why events are not counted, if that may be a mistake.
func (r *replayer) hintUnmatched() {
	for _, doubt := range r.replay.Doubts {
		fmt.Fprintf(r.err, "hint: %s\n", doubt)
	}
}

func (r *replayer) finish(began time.Time, counts bool) error {
	if counts {
		r.replay.Counts(func(line []byte) bool {
			r.print(append(r.line[:0], line...))
			return r.failed() == nil
		})
	}
	if err := r.flush(); err != nil {
		return err
	}
	r.bar.Clear()
	r.printUnshown()
	r.hintUnmatched()
	st := r.replay.Stats
	events := st.Matched + st.Unmatched + st.Duplicate + st.Malformed + st.Ahead + st.Canary
	canaries := ""
	if st.Canary > 0 {
		canaries = ", canary " + humanize.Number(st.Canary)
	}
	fmt.Fprintf(r.err, "replay: %s: matched %s, unmatched %s, duplicate %s, malformed %s, ahead %s%s; "+
		"late for a subject %s, refused by after %s; crossings %s; %s\n",
		humanize.Count(events, "event"), humanize.Number(st.Matched), humanize.Number(st.Unmatched), humanize.Number(st.Duplicate),
		humanize.Number(st.Malformed), humanize.Number(st.Ahead), canaries,
		humanize.Number(st.Late), humanize.Number(st.Refused), humanize.Number(r.crossings), time.Since(began).Round(time.Millisecond))
	return nil
}
