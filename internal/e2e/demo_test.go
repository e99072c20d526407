package e2e

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// terminal is the demo on a terminal of some size.
type terminal struct {
	t      *testing.T
	keys   *os.File
	shown  *servers.Output // all that was written to it
	copied chan struct{}   // closed when it has been closed
	cmd    *exec.Cmd
}

// demoOn starts the demo on a terminal of its own, as a shell would.
func demoOn(t *testing.T, columns, rows uint16, environ ...string) *terminal {
	t.Helper()
	x := &terminal{t: t, shown: &servers.Output{}, copied: make(chan struct{})}
	x.cmd = exec.Command(aggregator.Path(t), "demo", "-seed", "1", "-rate", "500")
	x.cmd.Env = append(os.Environ(), append([]string{"TERM=xterm", "NO_COLOR="}, environ...)...)
	var err error
	if x.keys, err = pty.StartWithSize(x.cmd, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill() // or it has ended
		_ = x.keys.Close()
	})
	go func() {
		defer close(x.copied)
		_, _ = io.Copy(x.shown, x.keys) // until the demo ends
	}()
	return x
}

var (
	frameEnds = "\x1b[J"
	sequence  = regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]")
	rowEnd    = regexp.MustCompile("\r+\n") // the terminal's driver adds one more
)

// frame is the rows of what was drawn last, as a person sees them; none before anything was drawn.
func frame(shown string) []string {
	end := strings.LastIndex(shown, frameEnds)
	begin := strings.LastIndex(shown[:max(end, 0)], "\x1b[H")
	if begin < 0 {
		return nil
	}
	return rowEnd.Split(sequence.ReplaceAllString(shown[begin:end], ""), -1)
}

// awaitFrame waits until what is drawn fits a pattern.
func (x *terminal) awaitFrame(pattern string) []string {
	x.t.Helper()
	var rows []string
	x.shown.Await(x.t, waitLimit, "a screen like "+pattern, func(shown string) bool {
		rows = frame(shown)
		return regexp.MustCompile(pattern).MatchString(strings.Join(rows, "\n"))
	})
	return rows
}

// press presses keys, after which the demo must end by itself. It returns what is on the usual screen then.
func (x *terminal) press(keys string) string {
	x.t.Helper()
	if _, err := io.WriteString(x.keys, keys); err != nil {
		x.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- x.cmd.Wait() }()
	var err error
	eventually(x.t, "the demo ends", func() bool {
		select {
		case err = <-ended:
			return true
		default:
			return false
		}
	})
	<-x.copied
	if err != nil {
		x.t.Errorf("it ended with %v", err)
	}
	_, after, left := strings.Cut(x.shown.String(), "\x1b[?1049l")
	if !left {
		after = x.shown.String()
	}
	return after
}

// fits fails the test if a frame is larger than its terminal.
func fits(t *testing.T, frame []string, columns, rows int) {
	t.Helper()
	if len(frame) > rows {
		t.Errorf("%d rows on a terminal of %d", len(frame), rows)
	}
	for _, l := range frame {
		if utf8.RuneCountInString(l) > columns {
			t.Errorf("%q is wider than %d", l, columns)
		}
	}
}

// TestDemoOnTerminal: 80 by 24 shows the numbers and titles, q ends it, and crossings stay on the screen.
func TestDemoOnTerminal(t *testing.T) {
	x := demoOn(t, 80, 24)
	rows := x.awaitFrame(`(?m)^ +\d+ %  [0-9,]+ of [0-9,]+ +[A-Z][a-z].*  (inc|u)-\S+$(?s).*(?m)^\d\d:\d\d:\d\d  [01]\S* +[0-9,]+ of [0-9,]+ +[A-Z][a-z].*  (inc|u)-\S+$`)
	fits(t, rows, 80, 24)
	for _, want := range []string{"; board: http://127.0.0.1:", "incident: what events are about; level: the share of a rule's limit reached", "never a legal finding."} {
		if !strings.Contains(strings.Join(rows, "\n"), want) {
			t.Errorf("no %q in:\n%s", want, strings.Join(rows, "\n"))
		}
	}
	if !strings.Contains(x.shown.String(), "\x1b[33m") && !strings.Contains(x.shown.String(), "\x1b[31m") {
		t.Error("nothing has a colour")
	}
	rest := sequence.ReplaceAllString(x.press("xq"), "")
	if !regexp.MustCompile(`^CROSSINGS, the last \d+ of \d+\r\n(\d\d:\d\d:\d\d  \S+ +[0-9,]+ of .*\r\n)+demo: .* events: matched .*; seed 1\r\ndemo: recounting .*\r\ndemo: recounted .*; differences 0\r\n$`).MatchString(rest) {
		t.Errorf("what stays on the screen:\n%q", rest)
	}
}

// TestDemoOnSmallTerminal: 40 by 10 is readable, without colours if nobody wants any; Ctrl-C ends it.
func TestDemoOnSmallTerminal(t *testing.T) {
	x := demoOn(t, 40, 10, "NO_COLOR=1")
	rows := x.awaitFrame(`(?m)^ +\d+ %  [0-9,]+ of [0-9,]+, [A-Z][a-z]+(?s).*(?m)^\d\d:\d\d:\d\d  [01]\S* +[0-9,]+ of [0-9,]+, `)
	fits(t, rows, 40, 10)
	if rest := x.press("\x03"); !strings.Contains(rest, "CROSSINGS, the last ") || !strings.Contains(rest, "; seed 1\r\n") {
		t.Errorf("what stays on the screen:\n%q", rest)
	}
	if style := regexp.MustCompile("\x1b\\[[0-9]*m").FindString(x.shown.String()); style != "" {
		t.Errorf("%q in spite of NO_COLOR", style)
	}
}

// TestDemoOnDumbTerminal: a terminal that cannot draw gets lines.
func TestDemoOnDumbTerminal(t *testing.T) {
	x := demoOn(t, 80, 24, "TERM=dumb")
	x.shown.Await(t, waitLimit, "a crossing", func(text string) bool { return strings.Contains(text, " level ") })
	if text := x.press("\x03"); strings.Contains(text, "\x1b") || !strings.Contains(text, "; seed 1\r\n") {
		t.Errorf("got\n%q", text)
	}
}
