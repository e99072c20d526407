package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// newTestReloader is a reloader of a config, which changes nothing.
func newTestReloader(t *testing.T, config string, log io.Writer) *reloader {
	t.Helper()
	s := &session{err: io.Discard, out: io.Discard}
	c, set, _, digest, err := s.loadTested(config)
	if err != nil {
		t.Fatal(err)
	}
	r := newReloader(s, config, c, set, digest, slog.New(slog.NewTextHandler(log, nil)))
	r.take = func(context.Context, *reloaded) error { return nil }
	r.open = func(context.Context, []string) map[string]int { return nil }
	r.fault = func(string) {}
	return r
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// packDir is a directory with a pack, and a config that names it.
func packDir(t *testing.T) (dir, config string) {
	t.Helper()
	dir, config = t.TempDir(), filepath.Join(t.TempDir(), "config.yaml")
	write(t, filepath.Join(dir, "own.yaml"), fmt.Sprintf(reloadedPack, 50, 50))
	write(t, config, fmt.Sprintf("rules: {packs: [], files: [%q], poll: 50ms}\n", dir))
	return dir, config
}

// TestReloadOddFiles: a pipe and a file of any size hold nothing up, and are faults.
func TestReloadOddFiles(t *testing.T) {
	dir, config := packDir(t)
	r := newTestReloader(t, config, io.Discard)
	odd := filepath.Join(dir, "odd.yaml")
	if err := syscall.Mkfifo(odd, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "odd.yaml: it is no regular file, but a pipe") {
		t.Errorf("a pipe: %v", err)
	}
	if err := os.Remove(odd); err != nil {
		t.Fatal(err)
	}
	write(t, odd, "")
	if err := os.Truncate(odd, 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := r.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "has at most 1048576") {
		t.Errorf("a huge file: %v", err)
	}
}

// TestReloadWhileWritten: packs that are written while they are read are those of one moment, or a fault.
func TestReloadWhileWritten(t *testing.T) {
	dir, config := packDir(t)
	r := newTestReloader(t, config, io.Discard)
	own, draft := filepath.Join(dir, "own.yaml"), filepath.Join(dir, ".draft")
	text := func(n uint64) string { return fmt.Sprintf(reloadedPack, n, n) }
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := uint64(60); ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.WriteFile(draft, []byte(text(n)), 0o600)
			_ = os.Rename(draft, own)
		}
	}()
	first := r.seen
	servers.Await(t, 10*time.Second, time.Millisecond, "the writer writes", func() bool { return r.config.digest() != first })
	limits := map[uint64]string{}
	for range 3 {
		set, err := r.load(t.Context(), r.config)
		switch {
		case err == nil:
			limits[set.packs[0].Rules[0].Limits[0].Value] = r.seen
		case !strings.Contains(err.Error(), "written all the time"):
			t.Error(err)
		}
	}
	close(stop)
	<-stopped
	for n, seen := range limits {
		if write(t, own, text(n)); r.config.digest() != seen {
			t.Errorf("the limit %d was read at another moment than the digest", n)
		}
	}
}

// TestReloadBadConfig: with a fault in the config the files are those of before, and their faults are told once.
func TestReloadBadConfig(t *testing.T) {
	dir, config := packDir(t)
	var log bytes.Buffer
	r := newTestReloader(t, config, &log)
	other := filepath.Join(t.TempDir(), "other.yaml")
	write(t, other, fmt.Sprintf(reloadedPack, 60, 60))
	good := fmt.Sprintf("rules: {packs: [], files: [%q], poll: 50ms}\n", other)
	write(t, config, good)
	if _, err := r.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil { // of which nothing is used any more
		t.Fatal(err)
	}
	write(t, config, good+"nonsense: 1\n")
	if _, err := r.reload(t.Context()); err == nil || strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
	if r.changed(t.Context()) {
		t.Error("files have changed again, though nothing has")
	}
}

// TestReloadBody: a request with a body is refused at once, also if that never comes.
func TestReloadBody(t *testing.T) {
	_, config := packDir(t)
	s := httptest.NewUnstartedServer(newTestReloader(t, config, io.Discard))
	s.Config.ReadTimeout = time.Second
	s.Start()
	defer s.Close()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "400") {
		t.Errorf("got %q, %v", line, err)
	}
}
