package servers

import (
	"errors"
	"fmt"
	"net"
	"testing"
)

func TestFreePorts(t *testing.T) {
	ports, err := freePorts(50)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if seen[port] || port < lowestPort || port >= highestPort {
			t.Errorf("port %d: twice or out of range", port)
		}
		seen[port] = true
		if !listens(port) {
			t.Errorf("port %d is not free", port)
		}
	}
}

func TestFree(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	if free(port) {
		t.Error("a port that is listened on was called free")
	}
	ln.Close()
	if free(port) {
		t.Error("a port that was claimed before was called free")
	}
	if !listens(port) {
		t.Error("a port that nobody listens on was called taken")
	}
}

func TestRetryPorts(t *testing.T) {
	other := errors.New("other")
	f := func(wantCalls int, want error, results ...error) {
		t.Helper()
		var tried []int
		err := retryPorts(1, func(ports []int) error {
			tried = append(tried, ports[0])
			return results[len(tried)-1]
		})
		if !errors.Is(err, want) || len(tried) != wantCalls {
			t.Errorf("%v: got %v after ports %v, want %v after %d calls", results, err, tried, want, wantCalls)
		}
		if len(tried) > 1 && tried[0] == tried[1] {
			t.Errorf("%v: the same port again", results)
		}
	}
	taken := fmt.Errorf("start: %w", errPortTaken)
	f(1, nil, nil)
	f(1, other, other)
	f(2, nil, taken, nil)
	f(3, errPortTaken, taken, taken, taken)
}

// TestPortsLike: the ports that are wanted, except where somebody has one or none is named.
func TestPortsLike(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	other := taken.Addr().(*net.TCPAddr).Port
	got, err := portsLike(other, 0)
	if err != nil || got[0] == other || got[0] == 0 || got[1] == 0 || got[0] == got[1] {
		t.Errorf("wanted %d, which is taken, and any: got %v, %v", other, got, err)
	}
	if again, err := portsLike(got[0]); err != nil || again[0] == got[0] {
		t.Errorf("port %d was given twice: %v, %v", got[0], again, err)
	}
	for range 100 { // somebody may take it in between
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		wanted := free.Addr().(*net.TCPAddr).Port
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := portsLike(wanted); err == nil && got[0] == wanted {
			return
		}
	}
	t.Error("a free port was never given to who wanted it")
}
