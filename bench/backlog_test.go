//go:build linux

package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// BenchmarkBacklog has `replay` read -events from a file and `verify` read them from Kafka, where the service counted them before.
// The file takes some 210 bytes an event, Kafka some 240. With 10^8 events it takes most of half an hour.
func BenchmarkBacklog(b *testing.B) {
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	c := gen.Config{Seed: 42, Events: *events}
	var t table
	for b.Loop() {
		t.note("replay, from a file", x.replay(plain, c))
		l := loadBacklog(b, x.kafka, fmt.Sprint("backlog-", x.number), c)
		counted, verified := x.verify(plain, l)
		t.note("run, from Kafka", counted)
		t.note("verify, from Kafka", verified)
		x.kafka.DeleteTopic(l.topic)
	}
	printf("load average after: %s\n\n%s", loadAverage(), &t)
}

// replay writes a backlog into a file and has it replayed.
func (x *fixture) replay(j job, c gen.Config) figures {
	file := filepath.Join(x.b.TempDir(), "events.jsonl")
	if err := writeLines(file, inSpan(c)); err != nil {
		x.b.Fatal(err)
	}
	out := &lineCounter{}
	f := x.command(c.Events, out, "replay", "-rules", j.pack, file)
	f.crossings = float64(out.lines)
	if err := os.Remove(file); err != nil { // what is loaded next needs the room
		x.b.Fatal(err)
	}
	return f
}

func writeLines(path string, c gen.Config) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make a backlog: %w", err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	var r gen.Record
	for g := gen.New(c); g.Next(&r); {
		_, _ = out.Write(r.Value)
		_ = out.WriteByte('\n')
	}
	return errors.Join(out.Flush(), file.Close())
}

// verify has the service count a backlog, and then the log counted again and compared.
func (x *fixture) verify(j job, l backlog) (counted, verified figures) {
	r := x.newRun(j, l.topic)
	r.watch()
	p := startProgram(x.b, r.config())
	began := time.Now()
	r.awaitCommitted(l.ends)
	counted = r.concluded(p, l, time.Since(began))
	verified = x.command(l.events, io.Discard, "verify", "-config", servers.WriteFile(x.b, "config.yaml", r.config())) // it fails if there is a difference
	r.redis.stop()
	return counted, verified
}

// command runs the program until it ends, with exit code 0. What it writes to stderr is printed.
func (x *fixture) command(events int, out io.Writer, args ...string) figures {
	began := time.Now()
	p := servers.StartProgram(x.b, servers.ProgramOptions{
		Name: args[0], Command: append([]string{aggregator.Path(x.b)}, args...), Stdout: out, Stderr: os.Stderr,
	})
	look := time.NewTicker(100 * time.Millisecond) // Linux' own figure for a child begins with its parent's
	defer look.Stop()
	f := figures{}
	for {
		select {
		case <-look.C:
			most, _ := p.PeakMemory() // it may have just ended
			f.peak = max(f.peak, float64(most))
		case <-p.Done():
			if code := p.ExitCode(); code != 0 {
				x.b.Fatalf("%s: exit code %d", args[0], code)
			}
			f.rate = float64(events) / time.Since(began).Seconds()
			f.program = p.CPU().Seconds() / (float64(events) / 1e6)
			return f
		}
	}
}

// lineCounter counts the lines written to it.
type lineCounter struct{ lines int }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}
