package redis

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store/storetest"
)

// TestScriptIsLoadedAgain: a server that lost the script gets it with the next commit.
func TestScriptIsLoadedAgain(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	r := openRedis(t, Options{Addrs: []string{server.Addr()}})
	d := storetest.NewDesk(t, r, 7)
	move := func(from, to string) {
		t.Helper()
		d.Wants(store.Commit{Fences: []store.Fence{storetest.Fence("f", from, to)}, Puts: []store.Put{storetest.Put("p", to)}}, store.Result{})
		d.Holds("f", to, "p", to)
		d.Wants(store.Commit{Fences: []store.Fence{storetest.Fence("f", from, to)}},
			store.Result{Outcome: store.Fenced, Fences: []store.Present{storetest.Held(0, to)}})
	}
	move("-", "1")
	server.Do("SCRIPT", "FLUSH")
	move("1", "2")
	server.Restart()
	retry(t, func() error { return r.Ping(t.Context()) })
	move("2", "3")
	if n := calls(server, "eval"); n != 1 {
		t.Errorf("the script was sent %d times to the restarted server", n)
	}
}

// retry calls f until it succeeds, as long as its errors may pass. After minutes, which no machine
// is too busy for, the test fails. A test that waits for ever ends without a word of what it waited
// for.
func retry(t *testing.T, f func() error) {
	t.Helper()
	limit := time.After(3 * time.Minute)
	for {
		err := f()
		if err == nil {
			return
		}
		if !Retryable(err) {
			t.Fatalf("%v (%s) is not retryable", err, ErrorKind(err))
		}
		select {
		case <-limit:
			t.Fatalf("still, after minutes: %v", err)
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// calls is how often the server ran a command.
func calls(server *servers.RedisServer, command string) int {
	_, after, _ := strings.Cut(server.Do("INFO", "commandstats"), "cmdstat_"+command+":calls=")
	n := 0
	_, _ = fmt.Sscanf(after, "%d", &n) // 0 if it never ran
	return n
}

// TestOneWriteIsLogged: a commit is one command in the append-only file, never MULTI.
func TestOneWriteIsLogged(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{Args: []string{"--auto-aof-rewrite-percentage", "0"}})
	r := openRedis(t, Options{Addrs: []string{server.Addr()}})
	d := storetest.NewDesk(t, r, 7)
	step := func(from, to string) {
		d.Wants(store.Commit{
			Fences:  []store.Fence{storetest.Fence("f", from, to), storetest.Fence("compared", "-", "-")},
			Records: []store.Record{storetest.Record("r"+from, "-", "version1"), storetest.Record("s", "-", "-")},
			Puts:    []store.Put{storetest.Put("p", to), storetest.Put("q", to)},
		}, store.Result{})
	}
	step("-", "1")
	step("1", "2")
	step("2", "3")
	d.Commit(store.Commit{Fences: []store.Fence{storetest.Fence("f", "1", "2")}, Puts: []store.Put{storetest.Put("p", "lost")}})
	d.Commit(store.Commit{Records: []store.Record{storetest.Record("r-", "version2", "version3")}})
	d.Wants(store.Commit{Fences: []store.Fence{storetest.Fence("f", "3", "-")}}, store.Result{})
	d.Wants(store.Commit{Fences: []store.Fence{storetest.Fence("f", "3", "-")}, Deletes: storetest.Names("p", "q", "r-")}, store.Result{})
	for range 5 {
		if err := r.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	server.Stop() // which writes out the file
	got := logged(t, server.Dir())
	want := map[string]int{"SELECT": 1, "MSET": 3, "UNLINK": 1}
	if !maps.Equal(got, want) {
		t.Errorf("logged %v, want %v", got, want)
	}
}

// logged counts the commands in the append-only files.
func logged(t *testing.T, dir string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no append-only file in %s: %v", dir, err)
	}
	count := map[string]int{}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := countCommands(bufio.NewReader(file), count); err != nil {
			t.Fatal(err)
		}
	}
	return count
}

// countCommands reads commands: a line *n, then n times a line $length and the bytes.
func countCommands(in *bufio.Reader, count map[string]int) error {
	number := func(mark string) (n int, err error) {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(line, mark), "\r\n"))
	}
	for {
		n, err := number("*")
		if err == io.EOF {
			return nil
		}
		for i := 0; i < n && err == nil; i++ {
			var size int
			size, err = number("$")
			arg := make([]byte, size+2)
			if err == nil {
				_, err = io.ReadFull(in, arg)
			}
			if i == 0 {
				count[strings.ToUpper(string(arg[:size]))]++
			}
		}
		if err != nil {
			return err
		}
	}
}

func TestParseResultRefuses(t *testing.T) {
	f := func(reply any) {
		t.Helper()
		if res, err := parseResult(7, reply); err == nil {
			t.Errorf("%v: got %v", reply, res)
		}
	}
	f(nil)
	f("OK")
	f(int64(1))
	f([]any{})
	f([]any{int64(1)})
	f([]any{int64(1), []any{}})
	f([]any{int64(3), []any{int64(0), nil}})
	f([]any{int64(1), []any{int64(0)}})
	f([]any{int64(1), []any{"0", nil}})
}
