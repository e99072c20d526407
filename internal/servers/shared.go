package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// shared is the one Kafka of this test process, started by the first test that
// asks for it.
var shared struct {
	sync.Mutex
	brokers []*Server
	dir     string
	err     error
}

// SharedKafka returns a Kafka of one broker that all tests of a package use, so
// that it is started only once. Use topics from NewTopic and groups of your own;
// it cannot be stopped or restarted.
//
// It is killed when the test process ends. A package that uses it should have
// a TestMain with Suite, which ends it in order and removes its data.
func SharedKafka(tb testing.TB) *KafkaServer {
	tb.Helper()
	Require(tb, "kafka")
	shared.Lock()
	defer shared.Unlock()
	if shared.brokers == nil && shared.err == nil {
		shared.err = startShared()
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return &KafkaServer{tb: tb, shared: true, brokers: shared.brokers}
}

// startShared starts the shared Kafka in a directory whose name holds this process's id. So a later
// process can see that nobody needs it any more.
func startShared() error {
	removeStale()
	dir, err := os.MkdirTemp("", fmt.Sprintf("aggregator-kafka-%d-", os.Getpid()))
	if err != nil {
		return fmt.Errorf("start shared kafka: %w", err)
	}
	shared.dir = dir
	return retryPorts(2, func(ports []int) error {
		home := filepath.Join(dir, strconv.Itoa(ports[0]))
		shared.brokers, err = startBrokers(home, ports, KafkaOptions{})
		return err
	})
}

// removeStale removes the data of shared Kafkas whose test process is gone.
func removeStale() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), "aggregator-kafka-*-*")) // the pattern is well formed
	for _, dir := range dirs {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), "aggregator-kafka-"), "-")
		pid, err := strconv.Atoi(text)
		if err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir) // the next run tries again
		}
	}
}

// Suite runs a package's tests and then ends its shared Kafka. It fits goleak
// too, which looks for goroutines after it:
//
//	func TestMain(m *testing.M) { os.Exit(servers.Suite{M: m}.Run()) }
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(servers.Suite{M: m}) }
type Suite struct{ M *testing.M }

// Run runs the tests and returns the exit code.
func (s Suite) Run() int {
	code := s.M.Run()
	shared.Lock()
	defer shared.Unlock()
	for _, b := range shared.brokers {
		b.proc.stop()
	}
	shared.brokers = nil
	if err := os.RemoveAll(shared.dir); err != nil {
		fmt.Fprintf(os.Stderr, "remove shared kafka's data: %v\n", err)
		return max(code, 1)
	}
	return code
}
