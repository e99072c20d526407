package servers

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestRedisSentinelFailsOver(t *testing.T) {
	w := RedisSentinel(t)
	if got := w.MasterAddr(); got != w.Master.Addr() {
		t.Fatalf("master is %s, want %s", got, w.Master.Addr())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w.Master.Do("SET", "k", "v")
	err := poll(ctx, func(context.Context) error {
		if w.Replica.Do("GET", "k") != "v" {
			return errors.New("not replicated yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Master.Kill()
	err = poll(ctx, func(context.Context) error {
		if w.MasterAddr() != w.Replica.Addr() {
			return errors.New("no failover yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Replica.Do("GET", "k"); got != "v" {
		t.Errorf("the new master has %q, want v", got)
	}
}
