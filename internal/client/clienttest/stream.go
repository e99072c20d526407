package clienttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Push says something on the stream.
func (s *Service) Push(p Push) { s.stream <- p }

// Cut ends the connections of the stream.
func (s *Service) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.cut)
	s.cut = make(chan struct{})
}

// Resumed is the Last-Event-ID of a connection of the stream, from 1 on, and whether there was such a connection.
func (s *Service) Resumed(connection int) (id string, connected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, connected = s.told[strconv.Itoa(connection)]
	return id, connected
}

func (s *Service) serveStream(w http.ResponseWriter, r *http.Request) {
	if x := s.refusal(r); x != nil {
		writeProblem(w, x)
		return
	}
	s.mu.Lock()
	s.told[strconv.Itoa(len(s.told)+1)] = r.Header.Get("Last-Event-ID")
	cut := s.cut
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "retry: 2000\nid: p0:1\n\n")
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case p := <-s.stream:
			s.write(w, p)
		case <-cut:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Service) write(w http.ResponseWriter, p Push) {
	data, err := json.Marshal(p.Data)
	if err != nil {
		s.t.Error(err)
	}
	id := ""
	if p.ID != "" {
		id = "id: " + p.ID + "\n"
	}
	fmt.Fprintf(w, ": a comment\n\nevent: %s\n%sdata: %s\n\n", p.Name, id, data)
}
