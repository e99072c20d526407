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
