package servers

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// clusterID is Kafka's name for the cluster: 16 bytes in base64.
const clusterID = "aggregatorAAAAAAAAAAAA"

// KafkaOptions changes what Kafka starts.
type KafkaOptions struct {
	// Brokers is how many there are, each also a controller. Default 1.
	Brokers int
	// Properties are put into every broker's server.properties and win over what
	// Kafka sets, as "message.max.bytes": "2000000".
	Properties map[string]string
	// JVM are the flags of java. Default: a heap of 256 to 512 MiB and the first
	// compiler only, which saves a second of CPU at each start. A benchmark
	// leaves the second compiler on: "-Xms1g", "-Xmx1g".
	JVM []string
	// Listeners are listeners of each broker beside the listener of Addr, on which nobody logs in.
	// They are protocols as Kafka names them, by names in upper case, as "LOGIN": "SASL_SSL". See
	// ListenerAddr; what they need is in Properties.
	Listeners map[string]string
	// Advertise gives every broker a second listener, for clients that come through a proxy. Broker
	// i tells those that it is at Advertise[i]. SecondAddrs says where it listens.
	Advertise []string
}

// KafkaServer is a Kafka cluster on loopback ports, as one test sees it.
type KafkaServer struct {
	tb      testing.TB
	shared  bool
	brokers []*Server
	// listeners are the addresses of the first broker's other listeners, by name.
	listeners map[string]string
}

// Kafka starts an Apache Kafka (KRaft) and returns once all brokers answer. It
// ends with the test. Topics are not made by use: see NewTopic.
func Kafka(tb testing.TB, o KafkaOptions) *KafkaServer {
	tb.Helper()
	Require(tb, "kafka")
	k := &KafkaServer{tb: tb}
	each := 2 + len(o.Listeners)
	err := retryPorts(each*max(1, o.Brokers)+len(o.Advertise), func(ports []int) error {
		var err error
		k.listeners = named(o.Listeners, ports[:each])
		k.brokers, err = startBrokers(tb.TempDir(), ports, o)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	for _, b := range k.brokers {
		b.tb = tb
		b.own()
	}
	return k
}

// As returns the same Kafka as another test sees it, whose failures are that
// test's.
func (k *KafkaServer) As(tb testing.TB) *KafkaServer {
	other := *k
	other.tb = tb
	return &other
}

// startBrokers starts a new cluster with its data under dir. There is a broker for each two ports,
// or more ports each if there are more listeners. The ports of second listeners do not count.
func startBrokers(dir string, ports []int, o KafkaOptions) ([]*Server, error) {
	jars, err := kafkaJars()
	if err != nil {
		return nil, err
	}
	c := cluster{dir: dir, ports: ports[:len(ports)-len(o.Advertise)], jars: jars, options: o}
	c.second = ports[len(c.ports):]
	var group errgroup.Group
	brokers := make([]*Server, c.size())
	for i := range brokers {
		brokers[i] = c.broker(i)
		group.Go(func() error {
			if err := c.format(i); err != nil {
				return err
			}
			return brokers[i].proc.run()
		})
	}
	if err := group.Wait(); err != nil {
		for _, b := range brokers {
			b.proc.kill()
		}
		return nil, err
	}
	return brokers, nil
}

// cluster is what the brokers of one Kafka have in common. Broker i listens for clients on
// ports[2i] and for controllers on ports[2i+1]. For clients that come through a proxy, if there are
// such, it listens on second[i].
type cluster struct {
	dir, jars string
	ports     []int
	second    []int
	options   KafkaOptions
}

// portsOf are the ports of broker i: for clients, for controllers, and for its
// other listeners by name.
func (c *cluster) portsOf(i int) []int {
	each := 2 + len(c.options.Listeners)
	return c.ports[i*each : (i+1)*each]
}

func (c *cluster) size() int { return len(c.ports) / (2 + len(c.options.Listeners)) }

// named are the addresses of listeners on the ports of a broker, in the order of their names.
func named(listeners map[string]string, ports []int) map[string]string {
	addrs := map[string]string{}
	for i, name := range slices.Sorted(maps.Keys(listeners)) {
		addrs[name] = loopback(ports[2+i])
	}
	return addrs
}

// broker describes broker i, not started yet.
func (c *cluster) broker(i int) *Server {
	b := &Server{addr: loopback(c.portsOf(i)[0])}
	if len(c.second) > 0 {
		b.second = loopback(c.second[i])
	}
	b.proc = &process{
		name:    "kafka " + b.addr,
		dir:     c.home(i),
		command: func() *exec.Cmd { return c.java(i, "kafka.Kafka", c.properties(i)) },
		ready:   readyBroker(b.addr, c.size()),
	}
	return b
}

// format writes broker i's configuration and lays out its log directory, if it has none yet.
func (c *cluster) format(i int) error {
	if err := os.MkdirAll(c.home(i), 0o700); err != nil {
		return fmt.Errorf("format kafka: %w", err)
	}
	if err := os.WriteFile(c.properties(i), c.settings(i), 0o600); err != nil {
		return fmt.Errorf("format kafka: %w", err)
	}
	cmd := c.java(i, "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", clusterID, "-c", c.properties(i))
	cmd.SysProcAttr = procAttr()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format kafka: %w: %s", err, out)
	}
	return nil
}

func (c *cluster) java(i int, args ...string) *exec.Cmd {
	flags := c.options.JVM
	if flags == nil {
		flags = []string{"-Xms256m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"}
	}
	all := append([]string{
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-XX:-UsePerfData",
		"-cp", filepath.Join(c.jars, "*"),
	}, flags...)
	cmd := exec.Command("java", append(all, args...)...)
	cmd.Dir = c.home(i)
	return cmd
}

func (c *cluster) home(i int) string       { return filepath.Join(c.dir, fmt.Sprintf("broker-%d", i+1)) }
func (c *cluster) properties(i int) string { return filepath.Join(c.home(i), "server.properties") }

// Addr returns the address of the first broker.
func (k *KafkaServer) Addr() string { return k.brokers[0].addr }

// ListenerAddr returns the address of one of KafkaOptions.Listeners at the first broker.
func (k *KafkaServer) ListenerAddr(name string) string { return k.listeners[name] }

// Addrs returns the addresses of all brokers, separated by commas when joined
// as clients want them.
func (k *KafkaServer) Addrs() []string {
	addrs := make([]string, len(k.brokers))
	for i, b := range k.brokers {
		addrs[i] = b.addr
	}
	return addrs
}

// SecondAddrs returns where the brokers listen for clients that come through
// proxies.
func (k *KafkaServer) SecondAddrs() []string {
	addrs := make([]string, len(k.brokers))
	for i, b := range k.brokers {
		addrs[i] = b.second
	}
	return addrs
}

func (k *KafkaServer) bootstrap() string { return strings.Join(k.Addrs(), ",") }

// Broker returns broker i of a cluster, counted from 0, to stop, kill, pause or
// restart it alone. Its id in Kafka is i+1.
func (k *KafkaServer) Broker(i int) *Server {
	k.tb.Helper()
	k.alone()
	return k.brokers[i]
}

// Stop ends all brokers by SIGTERM.
func (k *KafkaServer) Stop() {
	k.tb.Helper()
	k.each(func(b *Server) error { b.Stop(); return nil })
}

// Kill ends all brokers by SIGKILL.
func (k *KafkaServer) Kill() {
	k.tb.Helper()
	k.each(func(b *Server) error { b.Kill(); return nil })
}

// Restart stops the brokers that run and starts all again on the same ports and
// data. It returns once all of them answer.
func (k *KafkaServer) Restart() {
	k.tb.Helper()
	k.Stop()
	k.each(func(b *Server) error { return b.proc.run() })
}

// StartAll starts the brokers that are down. It returns once all answer.
func (k *KafkaServer) StartAll() {
	k.tb.Helper()
	k.each(func(b *Server) error {
		if b.PID() != 0 {
			return nil
		}
		return b.proc.run()
	})
}

// each runs f on all brokers at once: none answers before most of them are up.
func (k *KafkaServer) each(f func(*Server) error) {
	k.tb.Helper()
	k.alone()
	var group errgroup.Group
	for _, b := range k.brokers {
		group.Go(func() error { return f(b) })
	}
	if err := group.Wait(); err != nil {
		k.tb.Fatal(err)
	}
}

// alone refuses to disturb a Kafka that serves other tests too.
func (k *KafkaServer) alone() {
	k.tb.Helper()
	if k.shared {
		k.tb.Fatal("this Kafka is shared by the package's tests: start one with Kafka to stop it")
	}
}
