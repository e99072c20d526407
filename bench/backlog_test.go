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
	d := newBed(b)
	say("%s", describe(d.redis()))
	c := gen.Config{Seed: 42, Events: *events}
	var t table
	for b.Loop() {
		t.note("replay, from a file", d.replay(plain, c))
		l := loadBacklog(b, d.kafka, fmt.Sprint("backlog-", d.number), c)
		counted, verified := d.verify(plain, l)
		t.note("run, from Kafka", counted)
		t.note("verify, from Kafka", verified)
		d.kafka.DeleteTopic(l.topic)
	}
	say("load average after: %s\n\n%s", loadAverage(), &t)
}

// replay writes a backlog into a file and has it replayed.
func (d *bed) replay(j job, c gen.Config) figures {
	file := filepath.Join(d.b.TempDir(), "events.jsonl")
	if err := writeLines(file, inSpan(c)); err != nil {
		d.b.Fatal(err)
	}
	out := &lineCounter{}
	f := d.command(c.Events, out, "replay", "-rules", j.pack, file)
	f.crossings = float64(out.lines)
	if err := os.Remove(file); err != nil { // what is loaded next needs the room
		d.b.Fatal(err)
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
func (d *bed) verify(j job, l backlog) (counted, verified figures) {
	t := d.trial(j, l.topic)
	t.watch()
	p := startProgram(d.b, t.config())
	began := time.Now()
	t.awaitCommitted(l.ends)
	counted = t.concluded(p, l, time.Since(began))
	verified = d.command(l.events, io.Discard, "verify", "-config", writeConfig(d.b, t.config())) // it fails if there is a difference
	t.redis.stop()
	return counted, verified
}

// command runs the program to its end, which must be a good one. It prints what it says on stderr.
func (d *bed) command(events int, out io.Writer, args ...string) figures {
	began := time.Now()
	p := servers.StartProgram(d.b, servers.ProgramOptions{
		Name: args[0], Command: append([]string{aggregator.Path(d.b)}, args...), Stdout: out, Stderr: os.Stderr,
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
				d.b.Fatalf("%s: exit code %d", args[0], code)
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
