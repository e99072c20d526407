package servers

import "testing"

func TestTearAOF(t *testing.T) {
	r := Redis(t, RedisOptions{})
	r.Do("SET", "kept", "1")
	r.Do("SET", "torn", "2")
	r.Kill()
	if lost := r.TearAOF(func(size int64) int64 { return size - 3 }); lost != 3 {
		t.Errorf("lost %d bytes", lost)
	}
	r.Restart()
	if kept, torn := r.Do("GET", "kept"), r.Do("GET", "torn"); kept != "1" || torn != "" {
		t.Errorf("kept %q, torn %q", kept, torn)
	}
	got := outcome(t, func(tb testing.TB) {
		other := &RedisServer{Server: &Server{tb: tb, addr: r.addr, proc: r.proc}}
		other.TearAOF(nil)
	})
	if got == "ran" {
		t.Error("the file of a running server was cut")
	}
}
