package httpserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/http/pprof"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/retry"
)

// Auth decides who may ask what of the HTTP server.
type Auth struct {
	Token string        // asked for everywhere except at the probes, and at what is Open; "": no token
	Pause time.Duration // that a wrong token waits for its answer
	Debug bool          // profiles are served
	// Open reports whether a path holds no data, as the pages of the board; nil: none does.
	Open func(path string) bool
	// ExternalURL is where users reach the server; "": where it listens.
	ExternalURL string
	// Hosts are further names that a request may give for the server, where it listens on loopback.
	Hosts []string
}

// probes are open to all: who runs the program looks at them without a secret.
var probes = []string{"/livez", "/readyz", "/healthz"}

// handler guards a handler, and puts the profiles beside it.
func (a Auth) handler(inner http.Handler, m *Metrics, loopback bool) http.Handler {
	if a.Debug {
		inner = withProfiles(inner)
	}
	inner = a.sameOrigin(a.guarded(plainPaths(inner), m), m)
	if loopback {
		inner = a.known(inner, m)
	}
	return boundedBody(inner)
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

const (
	// DefaultPause is how long a wrong token waits for its answer, by default.
	DefaultPause = time.Second
)

// guarded asks for the token. Hashes are compared, so that the time it takes shows nothing of the
// token, not even its length.
func (a Auth) guarded(inner http.Handler, m *Metrics) http.Handler {
	if a.Token == "" {
		return inner
	}
	wanted := sha256.Sum256([]byte(a.Token))
	places := make(chan struct{}, pausesAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := bearer(r)
		given := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(given[:], wanted[:]) == 1 || a.open(r.URL.Path) {
			inner.ServeHTTP(w, r)
			return
		}
		if token == "" {
			m.refuse(refusedNoToken)
		} else {
			m.refuse(refusedToken)
			a.wait(r.Context(), places)
			w.Header().Set("Connection", "close") // the next guess needs another
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="aggregator"`)
		deny(w, r, http.StatusUnauthorized, "a token is needed: send the header Authorization: Bearer TOKEN, with the token of http.token")
	})
}

// open reports whether a path wants no token.
func (a Auth) open(path string) bool {
	return slices.Contains(probes, path) || a.Open != nil && a.Open(path)
}

// wait waits, if there is a place to wait at.
func (a Auth) wait(ctx context.Context, places chan struct{}) {
	select {
	case places <- struct{}{}:
	default:
		return
	}
	defer func() { <-places }()
	retry.Wait(ctx, a.Pause)
}

// bearer is the token of a request; "" if it has none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// boundedBody refuses a body that is larger by its own length, and cuts a body that turns out to be
// larger.
func boundedBody(inner http.Handler) http.Handler {
	bounded := http.MaxBytesHandler(inner, maxBody)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			w.Header().Set("Connection", "close")
			deny(w, r, http.StatusRequestEntityTooLarge, "the body is larger than 64 KiB")
			return
		}
		bounded.ServeHTTP(w, r)
	})
}

var tokenText = regexp.MustCompile(`^[A-Za-z0-9._~+/-]{16,}=*$`)

// CheckToken reports what is wrong with a token, without showing it.
func CheckToken(token string) error {
	if token != "" && !tokenText.MatchString(token) {
		return errors.New("a token is 16 and more letters, digits and ._~+/- ; make one with: openssl rand -hex 16")
	}
	return nil
}
