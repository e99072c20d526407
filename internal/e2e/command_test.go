package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// The exit codes of the program.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2 // usage, config, packs
)

// defaultPack is the pack that counts if the config names none.
const defaultPack = "cn-2019-15"

// stopDeadline is how long the program takes at most from SIGTERM to its end.
const stopDeadline = 20 * time.Second

// TestStopDeadline holds the copy of the program's constant to the original.
func TestStopDeadline(t *testing.T) {
	servers.MustHold(t, "../../cmd/aggregator/run.go", fmt.Sprintf("const stopDeadline = %d * time.Second\n", int(stopDeadline.Seconds())))
}

// clickOver crosses all levels of art3-clicks at once.
const clickOver = `{"id":"1","time":"2026-01-01T00:00:00Z","type":"click","incident":"A","count":50000}` + "\n"

// result is what one command line gave.
type result struct {
	code     int
	out, err string
}

// call runs the program with a command line, and with variables that override the config, until it ends.
func call(t *testing.T, stdin string, environ []string, args ...string) result {
	t.Helper()
	var out servers.Output
	p := servers.StartProgram(t, servers.ProgramOptions{
		Name: args[0], Command: append([]string{aggregator.Path(t)}, args...), Env: environ, Stdin: strings.NewReader(stdin), Stdout: &out,
	})
	<-p.Done()
	return result{p.ExitCode(), out.String(), p.Log.String()}
}

// mustPrint looks for texts in what a command printed.
func (r result) mustPrint(t *testing.T, code int, want ...string) {
	t.Helper()
	for _, w := range want {
		if r.code != code || !strings.Contains(r.out+r.err, w) {
			t.Errorf("got %d, want %d and %q:\n%s%s", r.code, code, w, r.out, r.err)
		}
	}
}

var fence = regexp.MustCompile("(?s)```([a-z]*)\n(.*?)```")

// blocksOf are the fenced blocks of a language in a page of the tree.
func blocksOf(t *testing.T, page, language string) (texts []string) {
	t.Helper()
	return blocksUnder(t, page, "", language)
}

// blocksUnder are those under one of its headings, as "## Run it", without the indent that they have in a list.
func blocksUnder(t *testing.T, page, heading, language string) (texts []string) {
	t.Helper()
	data, err := os.ReadFile("../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if heading != "" {
		_, text, _ = strings.Cut(text, "\n"+heading+"\n")
		text, _, _ = strings.Cut(text, "\n## ")
	}
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] == language {
			indent := m[2][:len(m[2])-len(strings.TrimLeft(m[2], " "))]
			texts = append(texts, strings.TrimPrefix(strings.ReplaceAll("\n"+m[2], "\n"+indent, "\n"), "\n"))
		}
	}
	if len(texts) == 0 {
		t.Fatalf("%s, %q: no block of %s", page, heading, language)
	}
	return texts
}
