package e2e

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

var serversCommand = &servers.Build{Package: "../servers/cmd/servers"}

// TestReadmeRun does what the README says under "Run it", with its pack: `make servers`, the commands of the second
// terminal and those of the third. Ctrl-C then ends the servers, and nothing of them is left.
func TestReadmeRun(t *testing.T) {
	servers.Require(t, "kafka", "redis-server", "redis-cli", "kcat")
	servers.MustHold(t, "../../Makefile", "go build -o bin/servers ./internal/servers/cmd/servers\n\t@bin/servers $(SERVERS)\n")
	blocks := blocksUnder(t, "README.md", "## Run it", "sh")
	if len(blocks) != 3 || blocks[0] != "make servers\n" {
		t.Fatalf("the README has other steps: %q", blocks)
	}
	pair := startServers(t)
	desk := newDesk(t, pair.kafka, pair.redis)
	desk.write("own.yaml", readmePack(t))
	d := desk.mustDo(blocks[1])
	d.AwaitReady()
	send, read, _ := strings.Cut(blocks[2], "\n")
	desk.mustDo(send)
	eventually(t, "the crossing", func() bool { return strings.Contains(desk.do(read), `"id":"clicks-100/incident/inc-42/1/1"`) })
	d.Stop()
	pair.mustEnd()
}

// readmePack is the pack of the README.
func readmePack(t *testing.T) string {
	t.Helper()
	for _, text := range blocksOf(t, "README.md", "sh") {
		if _, rest, found := strings.Cut(text, "cat > own.yaml <<'END'\n"); found {
			pack, _, _ := strings.Cut(rest, "END\n")
			return pack
		}
	}
	t.Fatal("the README has no pack")
	return ""
}

// tryServers is what `make servers` has started.
type tryServers struct {
	*servers.Program
	t            *testing.T
	config       string // the lines that it printed
	kafka, redis string
	temporary    string // where it puts what it puts anywhere
}

var configLines = regexp.MustCompile(`^kafka: \{brokers: \["(127\.0\.0\.1:\d+)"\]\}\nredis: \{addrs: \["(127\.0\.0\.1:\d+)"\]\}\n$`)

// startServers starts what `make servers` does, on ports that are free, and returns when it has printed the lines for a config.
func startServers(t *testing.T, flags ...string) *tryServers {
	t.Helper()
	var out servers.Output
	s := &tryServers{t: t, temporary: t.TempDir()}
	s.Program = servers.StartProgram(t, servers.ProgramOptions{
		Name: "servers", Command: append([]string{serversCommand.Path(t), "-kafka", "0", "-redis", "0"}, flags...),
		Env: []string{"TMPDIR=" + s.temporary}, Stdout: &out,
	})
	out.Await(t, waitLimit, "both servers", func(text string) bool { return s.Ended() || configLines.MatchString(text) })
	m := configLines.FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("it printed %q\n%s", out.String(), s.Log)
	}
	s.config, s.kafka, s.redis = m[0], m[1], m[2]
	return s
}

// mustEnd presses Ctrl-C.
func (s *tryServers) mustEnd() {
	s.t.Helper()
	s.Signal(syscall.SIGINT)
	s.AwaitEnd()
	for _, addr := range []string{s.kafka, s.redis} {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			s.t.Errorf("there is still somebody at %s", addr)
		}
	}
	if left, err := os.ReadDir(s.temporary); err != nil || len(left) > 0 {
		s.t.Errorf("left in the temporary directory: %v %v", left, err)
	}
}

// TestServersKeep: with -dir the data is there again the next time.
func TestServersKeep(t *testing.T) {
	servers.Require(t, "kafka", "redis-server", "redis-cli", "kcat")
	dir := filepath.Join(t.TempDir(), "kept")
	for i, want := range []string{"", "1"} {
		pair := startServers(t, "-dir", dir)
		desk := newDesk(t, pair.kafka, pair.redis)
		desk.write("aggregator.yaml", pair.config)
		made := desk.do("bin/aggregator topics -config aggregator.yaml")
		if exists := strings.Contains(made, "dissemination-events: exists"); exists != (i > 0) {
			t.Errorf("start %d: %s", i, made)
		}
		if got := strings.TrimSpace(desk.do("redis-cli -p 16379 GET kept; redis-cli -p 16379 SET kept 1 >/dev/null")); got != want {
			t.Errorf("start %d: redis has %q, want %q", i, got, want)
		}
		pair.mustEnd()
	}
}
