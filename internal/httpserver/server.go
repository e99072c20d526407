package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewHandler serves the probes and the metrics; others may be registered beside them. The liveness probe checks nothing: a
// restart would not bring Kafka or Redis back.
func NewHandler(r *prometheus.Registry, ready *Readiness, log *slog.Logger) *http.ServeMux {
	r.MustRegister(ready)
	return NewMux(r, ready, log)
}

// NewMux is NewHandler for a process that is ready by something else.
func NewMux(r *prometheus.Registry, ready http.Handler, log *slog.Logger) *http.ServeMux {
	alive := func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", alive)
	mux.HandleFunc("GET /healthz", alive)
	mux.Handle("GET /readyz", ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}))
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // whoever asked has gone
}

// Server is a running HTTP server.
type Server struct {
	Addr   string // host:port at which it listens
	server *http.Server
	done   chan struct{}
}

// Metrics is what the server counts about itself.
type Metrics struct {
	refused *prometheus.CounterVec // by one of refusals
	cut     prometheus.Counter
}

// The reasons of Metrics.refused.
const (
	refusedHost    = "host"
	refusedOrigin  = "origin"
	refusedToken   = "token"
	refusedNoToken = "no-token"
)

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aggregator_http_refused_total", Help: "HTTP requests refused, by reason: a wrong token, no token, a foreign Host, a foreign Origin.",
		}, []string{"reason"}),
		cut: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aggregator_http_connections_cut_total", Help: "HTTP connections closed to make room for newer ones.",
		}),
	}
	r.MustRegister(m.refused, m.cut)
	for _, reason := range []string{refusedHost, refusedOrigin, refusedToken, refusedNoToken} {
		m.refused.WithLabelValues(reason)
	}
	return m
}

func (m *Metrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }

// newServer is a server on which nobody can wait forever, nor be waited for.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// Start listens, and serves what auth lets through until Stop.
func Start(addr string, a Auth, inner http.Handler, m *Metrics, log *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("http: %w (http.listen in the config)", err)
	}
	server := newServer(a.handler(inner, m, onLoopback(l.Addr())), log)
	c := newConnections(connectionLimit(), m.cut)
	server.ConnState = c.changed
	return serve(limitedListener{l, c}, server, log), nil
}

func serve(l net.Listener, server *http.Server, log *slog.Logger) *Server {
	s := &Server{Addr: l.Addr().String(), done: make(chan struct{}), server: server}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("http server ended", "error", err)
		}
	}()
	return s
}

// StopTimeout bounds Stop.
const StopTimeout = time.Second

// Stop lets the requests under way finish, for StopTimeout at most.
func (s *Server) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), StopTimeout)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close() // whoever still asks is cut off
	}
	<-s.done
}
