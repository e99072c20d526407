package servers

import (
	"syscall"
	"testing"
	"time"
)

// Server is one server program that a test started. A method that fails ends
// the test, so it is called from the test's own goroutine, as tb.Fatal is.
type Server struct {
	tb     testing.TB
	addr   string
	second string // of a broker, for clients that come through a proxy
	proc   *process
}

// own makes the server end with the test, and its log show if the test failed.
// Its data goes too, so it need not end in order.
func (s *Server) own() {
	s.tb.Cleanup(func() {
		s.proc.kill()
		if s.tb.Failed() {
			s.tb.Logf("%s: its log ends:\n%s", s.proc.name, s.proc.tail())
		}
	})
}

// Addr returns the address clients dial, as host:port. It stays the same over
// restarts.
func (s *Server) Addr() string { return s.addr }

// Dir returns the directory that holds the server's data and log.
func (s *Server) Dir() string { return s.proc.dir }

// PID returns the process id, or 0 while the server is down.
func (s *Server) PID() int { return s.proc.pid() }

// Stop ends the server by SIGTERM, and by SIGKILL if it has not ended after 30 s.
func (s *Server) Stop() { s.proc.stop() }

// Kill ends the server by SIGKILL, as a crash of the program would. What it
// wrote stays in the page cache: it is no power loss.
func (s *Server) Kill() { s.proc.kill() }

// Pause freezes the server by SIGSTOP: it holds its connections and does not
// answer. Resume ends that.
func (s *Server) Pause() { s.proc.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.proc.signal(syscall.SIGCONT) }

// Restart stops the server if it is running and starts it again on the same
// address and data. It returns once the server answers.
func (s *Server) Restart() {
	s.tb.Helper()
	s.proc.stop()
	if err := s.proc.run(); err != nil {
		s.tb.Fatal(err)
	}
}

// CPU returns the CPU time that the running server used since its start, in
// steps of 10 ms.
func (s *Server) CPU() time.Duration {
	s.tb.Helper()
	used, err := cpuTime(s.PID())
	if err != nil {
		s.tb.Fatal(err)
	}
	return used
}
