package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/http/pprof"
	"regexp"
	"slices"
	"strings"
)

// gate says who may ask what of the HTTP server.
type gate struct {
	token string // asked for everywhere but at the probes; "": no token
	debug bool   // profiles are served
}

// probes are open to all: who runs the program looks at them without a secret.
var probes = []string{"/livez", "/readyz", "/healthz"}

// handler puts the gate before a handler, and the profiles beside it.
func (g gate) handler(inner http.Handler) http.Handler {
	if g.debug {
		inner = withProfiles(inner)
	}
	return boundedBody(g.guarded(inner))
}

// withProfiles serves Go's profiles at their usual place, and inner elsewhere.
func withProfiles(inner http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", inner)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// guarded asks for the token. Hashes are compared, so that the time it takes tells nothing of the token, its length
// included.
func (g gate) guarded(inner http.Handler) http.Handler {
	if g.token == "" {
		return inner
	}
	wanted := sha256.Sum256([]byte(g.token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := sha256.Sum256([]byte(bearer(r)))
		if subtle.ConstantTimeCompare(given[:], wanted[:]) == 1 || slices.Contains(probes, r.URL.Path) {
			inner.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="aggregator"`)
		answer(w, http.StatusUnauthorized, "a token is needed: send the header Authorization: Bearer TOKEN, with the token of http.token\n")
	})
}

// bearer is the token of a request; "" if it has none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// maxBody is the most that a request may carry, in bytes. Nothing that is served needs any of it.
const maxBody = 64 << 10

// boundedBody refuses a body that says it is larger, and ends one that turns out to be.
func boundedBody(inner http.Handler) http.Handler {
	bounded := http.MaxBytesHandler(inner, maxBody)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			w.Header().Set("Connection", "close")
			answer(w, http.StatusRequestEntityTooLarge, "the body is larger than 64 KiB\n")
			return
		}
		bounded.ServeHTTP(w, r)
	})
}

var tokenText = regexp.MustCompile(`^[A-Za-z0-9._~+/-]{16,}=*$`)

// checkToken says what is wrong with a token, without showing it.
func checkToken(token string) error {
	if token != "" && !tokenText.MatchString(token) {
		return errors.New("a token is 16 and more letters, digits and ._~+/- ; make one with: openssl rand -hex 16")
	}
	return nil
}
