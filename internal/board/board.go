package board

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/stream/inspect"
	"github.com/seed-afe14ff2/aggregator/internal/stream/overview"
	"github.com/seed-afe14ff2/aggregator/internal/stream/roster"
	"github.com/seed-afe14ff2/aggregator/internal/stream/tail"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Process is what a process says of itself.
type Process struct {
	Version, Revision string
	Group             string
	Started           time.Time
	Rules             Rules // at first
}

// Rules is what a process says of its packs beside them.
type Rules struct {
	Loaded  time.Time           // they are in force since then
	Failing map[string][]string // what is wrong with packs by their own tests, by hash; nothing: all pass
	Faults  string              // of those that were read last, which are not in force; "": they are
}

// Sources is where what is shown comes from.
type Sources struct {
	Program   *engine.Program
	Announced // the topic of crossings
	Overview  overviews
	Rates     func() *roster.Rates // of all processes; nil: not known
	// Unannounced is how many subjects are at a level that was not announced, by rule, since rules changed; nil: not known.
	Unannounced func() map[string]int
	Shadow      *Announced // the topic of crossings of shadow rules; nil: they are not published
	Subjects    subjects
	Nearest     nearest // nil: there is no index
}

// Announced is a topic of crossings, and its end.
type Announced struct {
	Topic     string
	Crossings crossings
	json      []byte // Topic
}

// overviews tells how the deployment does.
type overviews interface {
	Read(ctx context.Context) (*overview.Overview, error)
}

// crossings is the end of the topic of crossings.
type crossings interface {
	// Current is an error if what is kept may not be the end of the topic.
	Current() error
	Page(f tail.Filter, before *tail.Place, limit int) tail.Page
	Find(id string) *tail.Crossing
	Count(status string, since time.Time) (n int, known bool)
	Follow(ctx context.Context, from tail.Positions) (*tail.Follower, error)
	Changed() <-chan struct{}
}

// subjects reads what is counted of one.
type subjects interface {
	// Detail is nil if nothing is counted of the subject.
	Detail(ctx context.Context, kind thresholds.Kind, id string) (*inspect.Detail, error)
}

// Board answers the API. It has nothing to show before Connect.
type Board struct {
	Process
	sources atomic.Pointer[Sources]
	rules   atomic.Pointer[Rules]
	status  latest
	streams streams
	unread  unread
	gather  chan struct{} // a place for each page of subjects that is put together
}

// New is a board that is not connected.
func New(p Process) *Board {
	b := &Board{Process: p}
	b.rules.Store(&p.Rules)
	b.status.read = b.readStatus
	b.streams.ended, b.streams.patience = make(chan struct{}), patience
	b.unread.patience = patience
	b.gather = make(chan struct{}, gatherMost)
	return b
}

// Connect gives the board what it shows.
func (b *Board) Connect(s *Sources) {
	for _, t := range []*Announced{&s.Announced, s.Shadow} {
		if t != nil {
			t.json = encode(t.Topic)
		}
	}
	b.sources.Store(s)
}

// RulesInForce tells the board that other packs are in force.
func (b *Board) RulesInForce(r Rules) { b.rules.Store(&r) }

// RulesRead tells the board why packs are not in force that were read last; "": they are.
func (b *Board) RulesRead(faults string) {
	r := *b.rules.Load()
	r.Faults = faults
	b.rules.Store(&r)
}

// Stop ends the streams, and no new one begins.
func (b *Board) Stop() { b.streams.stop() }

// Register serves the API on a mux.
func (b *Board) Register(mux *http.ServeMux) {
	api := func(path string, f handler, parameters ...string) {
		mux.Handle("/api/v1/"+path, b.answering(f, parameters))
	}
	api("status", b.getStatus)
	api("rules", b.getRules, "limit", "after")
	api("packs/{hash}", b.getPack)
	api("subjects", b.gathered(b.getSubjects), "by", "rule", "min_progress", "max_progress", "since", "limit", "after")
	api("subjects/{by}/{id...}", b.gathered(b.getSubjectAt))
	api("subject", b.gathered(b.getSubject), "by", "id")
	api("crossings", b.getCrossings, "rule", "by", "subject", "status", "shadow", "since", "limit", "after")
	api("crossings/{id...}", b.getCrossingAt, "shadow")
	api("crossing", b.getCrossing, "id", "shadow")
	mux.Handle("/api/v1/stream", getOnly(http.HandlerFunc(b.serveStream)))
	mux.Handle("/api/v1/openapi.json", getOnly(http.HandlerFunc(serveOpenAPI)))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		httpserver.NewProblem(http.StatusNotFound, "there is nothing at this path: /api/v1/openapi.json has those that there are").Write(w)
	})
}

// handler returns what is to be shown, or why not.
type handler func(ctx context.Context, s *Sources, q *query) (any, error)

// answerTimeout bounds an answer. Servers that take longer do not answer.
const answerTimeout = 8 * time.Second

// retryAfter is when it is worth asking again for what a server did not give.
const retryAfter = 5 * time.Second

// answering serves a handler that takes some parameters.
func (b *Board) answering(f handler, parameters []string) http.Handler {
	return getOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		q, err := parseQuery(r, parameters)
		if err != nil {
			problem(err).Write(w)
			return
		}
		s := b.sources.Load()
		if s == nil {
			away("the process is not connected to Redis yet").Write(w)
			return
		}
		shown, err := f(ctx, s, q)
		if err != nil {
			problem(err).Write(w)
			return
		}
		b.unread.send(w, shown)
	}))
}

// gathered serves a handler that puts together much, a few at a time.
func (b *Board) gathered(f handler) handler {
	return func(ctx context.Context, s *Sources, q *query) (any, error) {
		select {
		case b.gather <- struct{}{}:
			defer func() { <-b.gather }()
			return f(ctx, s, q)
		case <-ctx.Done():
			return nil, away("too many ask for subjects at once")
		}
	}
}

// getOnly refuses every method except GET.
func getOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			httpserver.NewProblem(http.StatusMethodNotAllowed, "only GET is answered: the API changes nothing").Write(w)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// away is the problem that a server does not answer.
func away(detail string) *httpserver.Problem {
	p := httpserver.NewProblem(http.StatusServiceUnavailable, detail)
	p.After = retryAfter
	return p
}

// problem is the problem that an error is.
func problem(err error) *httpserver.Problem {
	if p, ok := errors.AsType[*httpserver.Problem](err); ok {
		return p
	}
	return away(err.Error())
}

func notFound(detail string) *httpserver.Problem {
	return httpserver.NewProblem(http.StatusNotFound, detail)
}

// latest is a value that is read at most once a second, however many ask.
type latest struct {
	read func(ctx context.Context, s *Sources) (any, error)

	mu    sync.Mutex
	at    time.Time
	bytes []byte
	err   error
}

// latestValid is how long what was read serves for all who ask.
const latestValid = time.Second

// get is the value as JSON, or why it is not known.
func (l *latest) get(ctx context.Context, s *Sources) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.at.IsZero() && time.Since(l.at) < latestValid {
		return l.bytes, l.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	v, err := l.read(ctx, s)
	l.at, l.bytes, l.err = time.Now(), nil, err
	if err == nil {
		l.bytes = encode(v)
	}
	return l.bytes, l.err
}

// list is a page of items.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"` // the cursor after the last; null: it was the last page
}

// listOf is a page; no cursor: the last one.
func listOf[T any](items []T, next string) list[T] {
	l := list[T]{Items: items}
	if l.Items == nil {
		l.Items = []T{}
	}
	if next != "" {
		l.Next = &next
	}
	return l
}

// timeText is a time as the API shows it; nil for the zero time.
func timeText(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339Nano)
	return &s
}

// nanoText is a time in Unix nanoseconds; nil where it is not known.
func nanoText(ns int64) *string {
	if ns == engine.NoTime || ns == engine.Never {
		return nil
	}
	return timeText(time.Unix(0, ns))
}

// limitOf is how many items are asked for.
func limitOf(q *query) int { return cmp.Or(q.limit, 50) }
