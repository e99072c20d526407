package servers

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// commandLimit bounds one redis-cli call, so that a paused server fails a test
// instead of hanging it.
const commandLimit = 20 * time.Second

// RedisOptions changes what Redis starts.
type RedisOptions struct {
	// Args are appended to redis-server's command line, as "--maxmemory", "1mb".
	// They win over what Redis sets: appendonly yes, appendfsync everysec, no
	// snapshots.
	Args []string
}

// RedisServer is one redis-server on a loopback port.
type RedisServer struct {
	*Server
	password string // that redis-cli gives; "": none
}

// Redis starts a redis-server that keeps an append-only file, written out each
// second, and no snapshots. It ends with the test.
func Redis(tb testing.TB, o RedisOptions) *RedisServer {
	tb.Helper()
	Require(tb, "redis-server", "redis-cli")
	var r *RedisServer
	err := retryPorts(1, func(ports []int) error {
		r = newRedis(tb, ports[0], o.Args)
		return r.proc.run()
	})
	if err != nil {
		tb.Fatal(err)
	}
	r.own()
	return r
}

// newRedis describes a redis-server that is not started yet.
func newRedis(tb testing.TB, port int, extra []string) *RedisServer {
	return newRedisProgram(tb, port, append(redisArgs(port), extra...))
}

func newRedisProgram(tb testing.TB, port int, args []string) *RedisServer {
	r := redisIn(tb.TempDir(), port, args)
	r.tb = tb
	return r
}

// redisArgs are the arguments of every Redis that keeps counts.
func redisArgs(port int) []string {
	return []string{
		"--port", strconv.Itoa(port),
		"--bind", "127.0.0.1",
		"--appendonly", "yes",
		"--appendfsync", "everysec",
		"--save", "",
		"--repl-diskless-sync-delay", "0", // a replica need not wait for others to join
	}
}

// redisIn describes a redis-server with its data in dir, not started yet and of no test.
func redisIn(dir string, port int, args []string) *RedisServer {
	r := &RedisServer{Server: &Server{addr: loopback(port)}}
	r.proc = &process{
		name:    "redis-server " + r.addr,
		dir:     dir,
		command: func() *exec.Cmd { return exec.Command("redis-server", args...) },
		ready:   r.answers,
	}
	return r
}

// answers is nil once the server takes commands, also if it wants a password.
func (r *RedisServer) answers(ctx context.Context) error {
	reply, err := r.cli(ctx, "PING")
	if err != nil && strings.Contains(reply, "NOAUTH") {
		return nil
	}
	return err
}

// Do runs one command by redis-cli and returns its reply as redis-cli prints it
// into a pipe, without the last line end. An error reply ends the test.
func (r *RedisServer) Do(args ...string) string {
	r.tb.Helper()
	reply, err := r.Try(args...)
	if err != nil {
		r.tb.Fatal(err)
	}
	return reply
}

// Try is Do for a command that may fail. An error reply, no answer within 20 s, or a server that is
// down is an error.
func (r *RedisServer) Try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	defer cancel()
	return r.cli(ctx, args...)
}

func (r *RedisServer) cli(ctx context.Context, args ...string) (string, error) {
	host, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		panic("BUG: address of redis: " + err.Error())
	}
	cmd := exec.CommandContext(ctx, "redis-cli", append([]string{"-e", "-h", host, "-p", port}, args...)...)
	if r.password != "" {
		cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+r.password)
	}
	out, err := cmd.CombinedOutput()
	reply := strings.TrimSuffix(string(out), "\n")
	if err != nil {
		return reply, fmt.Errorf("redis-cli %s on %s: %w: %s", strings.Join(args, " "), r.addr, err, reply)
	}
	return reply, nil
}
