package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// startWithDescriptors starts the program with few descriptors and no servers to talk to, and returns where it serves.
func startWithDescriptors(t *testing.T, descriptors int) *daemon {
	t.Helper()
	config := servers.WriteFile(t, "c.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\nredis: {addrs: [%q]}\nhttp: {listen: \"127.0.0.1:0\"}\n", servers.FreeAddr(t), servers.FreeAddr(t)))
	script := fmt.Sprintf("ulimit -n %d && exec \"$0\" \"$@\"", descriptors)
	d := launch(t, "limited", append([]string{"sh", "-c", script}, runCommand(t, aggregator, config)...), "AGGREGATOR_LOG_FORMAT=json")
	d.mayLogErrors = true
	d.awaitStarted()
	return d
}

// TestHalfOpenConnections: a probe is answered while connections on which nothing comes are opened without end, though the
// system lets the process have few.
func TestHalfOpenConnections(t *testing.T) {
	t.Parallel()
	d := startWithDescriptors(t, 200)
	var crowd sync.WaitGroup
	done := make(chan struct{})
	defer crowd.Wait()
	defer close(done)
	opened := make(chan struct{}, 1_000)
	for range 300 {
		crowd.Go(func() { halfOpen(d.HTTP, done, opened) })
	}
	for range 300 {
		select {
		case <-opened:
		case <-time.After(waitLimit):
			t.Fatal("no more can be opened")
		}
	}
	for i := range 20 {
		began := time.Now()
		status, text := d.Get("/livez")
		if took := time.Since(began); status != http.StatusOK || took > 4*time.Second { // the program ends each after 5 s
			t.Errorf("probe %d: %d %s after %v", i, status, text, took)
		}
	}
	if d.metric("aggregator_http_connections_cut_total") == 0 {
		t.Error("no connection was cut")
	}
	if strings.Contains(d.Log.String(), "too many open files") {
		t.Error("the descriptors were used up")
	}
}

// halfOpen holds a connection on which it says half of a header, and opens another one when it was cut.
func halfOpen(addr string, done chan struct{}, opened chan<- struct{}) {
	for {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: ")
		select {
		case opened <- struct{}{}:
		default:
		}
		cut := make(chan struct{})
		go func() {
			defer close(cut)
			_, _ = io.Copy(io.Discard, conn)
		}()
		select {
		case <-done:
			conn.Close()
			<-cut
			return
		case <-cut:
			conn.Close()
		}
	}
}
