package servers

import (
	"context"
	"testing"
	"time"
)

func TestRedisKeepsItsDataOverAKill(t *testing.T) {
	r := Redis(t, RedisOptions{})
	first, addr := r.PID(), r.Addr()
	r.Do("SET", "k", "v")
	r.Kill()
	if _, err := r.Try("GET", "k"); err == nil || r.PID() != 0 {
		t.Error("a killed server answers")
	}
	r.Restart()
	if got := r.Do("GET", "k"); got != "v" || r.Addr() != addr || r.PID() == first {
		t.Errorf("after a restart: got %q from pid %d on %s, want v from another pid than %d on %s",
			got, r.PID(), r.Addr(), first, addr)
	}
	r.Stop()
	r.Restart()
	if got := r.Do("GET", "k"); got != "v" {
		t.Errorf("after a stop: got %q, want v", got)
	}
}

func TestRedisPause(t *testing.T) {
	r := Redis(t, RedisOptions{})
	r.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if reply, err := r.cli(ctx, "PING"); err == nil {
		t.Errorf("a paused server answers %q", reply)
	}
	r.Resume()
	if got := r.Do("PING"); got != "PONG" {
		t.Errorf("a resumed server answers %q", got)
	}
	r.Pause() // the cleanup ends a paused server too
}

func TestRedisOptions(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		r := Redis(t, RedisOptions{Args: args})
		got := r.Do("CONFIG", "GET", "appendfsync") + " " + r.Do("CONFIG", "GET", "save") + " " + r.Do("CONFIG", "GET", "appendonly")
		if got != want {
			t.Errorf("%v: got %q, want %q", args, got, want)
		}
	}
	f("appendfsync\neverysec save\n appendonly\nyes")
	f("appendfsync\nalways save\n appendonly\nyes", "--appendfsync", "always")
	f("appendfsync\neverysec save\n appendonly\nno", "--appendonly", "no")
}

func TestRedisErrorReplyIsAnError(t *testing.T) {
	r := Redis(t, RedisOptions{})
	if _, err := r.Try("INCR"); err == nil {
		t.Error("a wrong command is no error")
	}
}

func TestRedisWithPassword(t *testing.T) {
	r := Redis(t, RedisOptions{Args: []string{"--requirepass", "secret"}})
	if got := r.Do("-a", "secret", "--no-auth-warning", "PING"); got != "PONG" {
		t.Errorf("got %q", got)
	}
}

func TestRedisCPU(t *testing.T) {
	r := Redis(t, RedisOptions{})
	before := r.CPU()
	r.Do("EVAL", "for i = 1, 3e7 do end", "0")
	if used := r.CPU() - before; used < 10*time.Millisecond || used > time.Minute {
		t.Errorf("30 million turns used %v", used)
	}
}
