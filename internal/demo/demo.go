package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Options is what the demo shows, and where.
type Options struct {
	Rate     int           // events a second, from 1 to MaxRate
	Duration time.Duration // after which the demo ends by itself; 0: not before its context
	Seed     uint64        // of the incidents; 0: any
	Pack     *thresholds.Pack
	Registry *prometheus.Registry // of the program: what is registered is served, and the service registers its own
	In       io.Reader            // if it is a terminal, the key q ends the demo
	Out      io.Writer            // crossings; if it is a terminal, all is drawn there
	Err      io.Writer            // everything else
	Lines    bool                 // nothing is drawn, also on a terminal
	NoColour bool                 // what is drawn has no colours, nor other styles
	// Register puts the board and its API on what is served; Connect gives them what they show, until end. Nil: there is no board.
	Register func(mux *http.ServeMux)
	Connect  func(k stream.Kafka, p *engine.Program, store windowstore.Store, s *stream.Service, log *slog.Logger) (end func())
	// Serve runs the service until ctx ends, and then stops it as the program does.
	Serve func(ctx context.Context, s *stream.Service, ready *httpserver.Readiness, log *slog.Logger) error
}

// MaxRate is the most events a second that are made up.
const MaxRate = 20_000

const (
	// memoryLimit is what the garbage collector aims to stay below. The demo promises 300 MiB.
	memoryLimit = 200 << 20
	// What the service may keep in memory is less than by default, too.
	cacheBytes   = 32 << 20
	listMost     = 10_000
	dedupeWindow = time.Minute
)

// Run shows the demo until ctx ends.
func Run(ctx context.Context, o Options) error {
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	}
	playing := ctx
	if o.Duration > 0 {
		var stop context.CancelFunc
		playing, stop = context.WithTimeout(ctx, o.Duration)
		defer stop()
	}
	d, err := start(o)
	if err != nil {
		return err
	}
	defer d.stop()
	if err := d.serve(playing); err != nil {
		return err
	}
	return d.prove(ctx)
}

// demo is everything that runs in one process.
type demo struct {
	Options
	began   time.Time
	broker  *broker
	store   *windowstore.Mem
	program *engine.Program
	ready   *httpserver.Readiness
	web     *httpserver.Server
	service *stream.Service
	world   *world
	feed    *feed
	tap     *tap
	recount *recount
	view    view
	quit    context.CancelFunc // ends serve
	log     *slog.Logger
}

// view shows what happens.
type view interface {
	io.Writer // of the log
	announce(crossing)
	// run shows figures until ctx ends.
	run(ctx context.Context, d *demo)
	// end prints how it went.
	end(d *demo)
	// tell prints a line after the end.
	tell(line string)
}

// newView shows the demo on a terminal, or plainly where there is none.
func newView(o *Options) view {
	if !o.Lines && terminal.Is(o.Out) {
		return newScreen(o)
	}
	return &plainView{out: o.Out, err: o.Err}
}

// start starts what the service needs: the broker, the store, HTTP.
func start(o Options) (*demo, error) {
	d := &demo{Options: o, began: time.Now(), store: windowstore.NewMem(stream.DefaultShards), ready: &httpserver.Readiness{}}
	d.view = newView(&o)
	d.log = slog.New(slog.NewTextHandler(d.view, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	if d.program, err = engine.Compile([]*thresholds.Pack{o.Pack}, thresholds.DefaultMaxMembers); err != nil {
		return nil, err
	}
	if d.recount, err = newRecount(o.Pack, d.reader()); err != nil {
		return nil, err
	}
	if d.broker, err = startBroker(); err != nil {
		return nil, err
	}
	if err = d.listen(); err != nil {
		d.broker.cluster.Close()
		return nil, err
	}
	d.service = stream.New(stream.Options{
		Kafka: d.broker.kafka, Program: d.program, Store: d.store, Shards: stream.DefaultShards,
		Intake: engine.IntakeOptions{DedupeWindow: dedupeWindow}, CacheBytes: cacheBytes, ListMost: listMost, Registry: d.Registry, Log: d.log,
	})
	d.ready.StoreConnected(d.store)
	d.ready.ServiceStarted(d.service)
	d.world = newWorld(o.Seed, time.Now(), o.Rate)
	if d.tap, err = newTap(d.broker); err != nil {
		d.stop()
		return nil, err
	}
	d.tap.event = func(r *kgo.Record) {
		d.recount.counted(string(r.Key), int(r.Partition), r.Timestamp.UnixMilli(), r.Value)
	}
	d.tap.crossing = func(r *kgo.Record) {
		d.recount.crossed(r.Value)
		var c crossing
		if json.Unmarshal(r.Value, &c) == nil {
			d.view.announce(c)
		}
	}
	d.feed = newFeed(d.world, d.broker, o.Rate, func() int { return min(int(d.tap.events.Load()), readFigures(d.Registry).events("")) })
	return d, nil
}

// listen serves HTTP at the program's usual address, or at any other if that is taken.
func (d *demo) listen() (err error) {
	mux, m := httpserver.NewHandler(d.Registry, d.ready, d.log), httpserver.NewMetrics(d.Registry)
	if d.Register != nil {
		d.Register(mux)
	}
	if d.web, err = httpserver.Start("127.0.0.1:8080", httpserver.Auth{}, mux, m, d.log); err != nil {
		d.web, err = httpserver.Start("127.0.0.1:0", httpserver.Auth{}, mux, m, d.log)
	}
	return err
}

// serve runs everything until ctx ends, or the user quits. The view goes on until the service has
// stopped, so that nothing it says is lost.
func (d *demo) serve(ctx context.Context) error {
	ctx, d.quit = context.WithCancel(ctx)
	defer d.quit()
	if d.Connect != nil {
		defer d.Connect(d.broker.kafka, d.program, d.store, d.service, d.log)()
	}
	var around sync.WaitGroup
	running, stopService := context.WithCancel(context.WithoutCancel(ctx))
	defer stopService()
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	around.Go(func() {
		d.feed.run(ctx)
		d.await(running, func(events, _ int64) bool { return readFigures(d.Registry).events("") >= int(events) })
		stopService()
	})
	around.Go(func() { d.broker.trim(ctx) })
	around.Go(func() { d.tap.run(inner) })
	around.Go(func() { d.view.run(inner, d) })
	around.Go(func() {
		retry.Every(ctx, 10*time.Second, func(time.Time) { d.forgetEnded(context.WithoutCancel(ctx)) })
	})
	err := d.Serve(running, d.service, d.ready, d.log)
	d.quit()      // the service may have ended by itself
	stopService() // and nothing is waited for then
	d.await(inner, func(events, crossings int64) bool {
		return d.tap.events.Load() >= events && d.tap.crossed.Load() >= crossings
	})
	stop()
	around.Wait()
	d.view.end(d)
	return err
}

// drainTimeout bounds how long it is waited, at the end, for what was sent to be counted, and for what was counted to be read.
const drainTimeout = 10 * time.Second

// await waits until something is true of the ends of the topics.
func (d *demo) await(ctx context.Context, reached func(events, crossings int64) bool) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for ctx.Err() == nil && !reached(d.broker.ends()) {
		retry.Wait(ctx, 20*time.Millisecond)
	}
}

// errDiffers is of a demo whose counts are not what the log says.
var errDiffers = errors.New("demo: what was counted is not what the log says")

// prove recounts everything, and says how many differences there are. Ctrl-C leaves that out: where it ended the demo, the next one ends the
// program.
func (d *demo) prove(ctx context.Context) error {
	if ctx.Err() != nil {
		ctx = context.Background()
	}
	d.view.tell("demo: recounting everything from the log; Ctrl-C leaves that out")
	if err := d.recount.rest(ctx); err != nil {
		return err
	}
	d.recount.compareResults(readFigures(d.Registry))
	d.view.tell(d.recount.verdict.text())
	if len(d.recount.verdict.differences) > 0 {
		return errDiffers
	}
	return nil
}

func (d *demo) stop() {
	d.web.Stop()
	d.broker.cluster.Close()
}

// closing is the last line: how the demo went.
func (d *demo) closing() string {
	f := readFigures(d.Registry)
	return fmt.Sprintf("demo: %s, %s: %s; late for a subject %s; crossings %s; stored %s keys, %s; seed %d",
		time.Since(d.began).Round(100*time.Millisecond), humanize.Count(f.events(""), "event"), f.results(), humanize.Number(f.of("late_total")),
		humanize.Number(f.of("crossings_total")), humanize.Number(d.store.Len()), kibibytes(d.store.Bytes()), d.Seed)
}

func kibibytes(n int64) string { return humanize.Number(int(n>>10)) + " KiB" }
