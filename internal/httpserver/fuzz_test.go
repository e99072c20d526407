package httpserver

import (
	"bufio"
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// FuzzHTTP: without the token nobody gets beyond the probes, whatever a request looks like.
func FuzzHTTP(f *testing.F) {
	for _, text := range []string{
		request("/metrics"), request("/livez"), request("/readyz?verbose", "Authorization: Bearer x"), request("/debug/pprof/heap", "Authorization: bearer"),
		request("//livez/../metrics"), request("/livez%2f..%2fmetrics"), request("http://x/metrics"), "CONNECT /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "GET /livez HTTP/1.0\r\nContent-Length: 99999999999\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	h := Auth{Token: httpToken, Debug: true}.handler(NewHandler(registry, &Readiness{}, slog.New(slog.DiscardHandler)), m, false)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return // the server answers by itself
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		open := slices.Contains(probes, r.URL.Path)
		if !open && bearer(r) != httpToken && w.Code != http.StatusUnauthorized && w.Code != http.StatusRequestEntityTooLarge && w.Code != http.StatusForbidden {
			t.Errorf("%s %s: %d", r.Method, r.URL, w.Code)
		}
		if strings.Contains(w.Body.String(), "aggregator_http_refused_total") {
			t.Errorf("%s %s: the metrics are shown", r.Method, r.URL)
		}
	})
}
