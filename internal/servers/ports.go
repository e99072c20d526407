package servers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports are taken from below Linux's ephemeral range (32768 and up). A client may dial a dead
// server's ephemeral port again and again. It may then be given that very port as its own, connect
// to itself, and keep the server from coming back.
const (
	lowestPort  = 15000
	highestPort = 32000
)

// errPortTaken marks a start that failed because somebody else took the port
// between the moment it was found free and the moment the server listened.
var errPortTaken = errors.New("port taken")

// freePorts returns n free loopback ports. No other test process is given them
// while this one lives, also while their server is down.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if free(port) {
			ports = append(ports, port)
		}
	}
	return nil, fmt.Errorf("find %d free ports in %d..%d: too many are in use", n, lowestPort, highestPort)
}

// portsLike returns the ports that are wanted. Where somebody has one, or where it is 0, there is a free one instead.
func portsLike(wanted ...int) ([]int, error) {
	ports := make([]int, len(wanted))
	for i, port := range wanted {
		if port == 0 || !free(port) {
			other, err := freePorts(1)
			if err != nil {
				return nil, err
			}
			port = other[0]
		}
		ports[i] = port
	}
	return ports, nil
}

// free claims port for this process and reports whether that worked and nobody
// listens there.
func free(port int) bool { return lockPort(port) && listens(port) }

// listens reports whether a server could listen on port now.
func listens(port int) bool {
	ln, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

func loopback(port int) string {
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// retryPorts calls start with n fresh ports, again with others if these were
// taken in the meantime.
func retryPorts(n int, start func(ports []int) error) error {
	for attempt := 1; ; attempt++ {
		ports, err := freePorts(n)
		if err != nil {
			return err
		}
		if err = start(ports); !errors.Is(err, errPortTaken) || attempt == 3 {
			return err
		}
	}
}

// FreeAddr returns a loopback address on which nobody listens, for a server that
// the test itself runs. No other test process is given it.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	ports, err := freePorts(1)
	if err != nil {
		tb.Fatal(err)
	}
	return loopback(ports[0])
}
