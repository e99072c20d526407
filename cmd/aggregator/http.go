package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newRegistry is a registry with what every Go program tells, and the build.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registerBuild(r)
	return r
}

// newHandler serves health and metrics. A probe of liveness looks at nothing: a
// restart would not bring Kafka or Redis back.
func newHandler(r *prometheus.Registry, ready *readiness, log *slog.Logger) http.Handler {
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

// web is a running HTTP server.
type web struct {
	addr   string
	server *http.Server
	done   chan struct{}
}

// webMetrics is what the HTTP server counts about itself.
type webMetrics struct {
	refused *prometheus.CounterVec // by one of refusals
	cut     prometheus.Counter
}

// The reasons of webMetrics.refused.
const (
	refusedHost    = "host"
	refusedOrigin  = "origin"
	refusedToken   = "token"
	refusedNoToken = "no-token"
)

func newWebMetrics(r prometheus.Registerer) *webMetrics {
	m := &webMetrics{
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

func (m *webMetrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }

// newServer is a server on which nobody can wait for ever, nor be waited for.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// startWeb listens, and serves what the gate lets through until stop.
func startWeb(addr string, g gate, inner http.Handler, m *webMetrics, log *slog.Logger) (*web, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("http: %w (http.listen in the config)", err)
	}
	server := newServer(g.handler(inner, m, onLoopback(l.Addr())), log)
	c := newCrowd(mostConnections(), m.cut)
	server.ConnState = c.changed
	return serveWeb(roomy{l, c}, server, log), nil
}

func serveWeb(l net.Listener, server *http.Server, log *slog.Logger) *web {
	w := &web{addr: l.Addr().String(), done: make(chan struct{}), server: server}
	go func() {
		defer close(w.done)
		if err := w.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("http server ended", "error", err)
		}
	}()
	return w
}

// stop lets the requests under way finish, for a second at most.
func (w *web) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if w.server.Shutdown(ctx) != nil {
		_ = w.server.Close() // whoever still asks is cut off
	}
	<-w.done
}
