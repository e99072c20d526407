package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

var demoCommand = &command{
	name: "demo", args: "[-rate N] [-duration D] [-seed N]", about: "shows the program at work, with nothing else installed",
	more: `Starts a Kafka broker and a store in this process, makes up incidents, and runs the
service on them. On a terminal it draws what happens; elsewhere each crossing is a
line on stdout. Nothing is written to disk. Ctrl-C ends it.`,
	flags: func(fs *flag.FlagSet) runner {
		var o demoOptions
		fs.IntVar(&o.rate, "rate", 1_000, "events a second, from 1 to 20000")
		fs.DurationVar(&o.duration, "duration", 0, "ends by itself after this long, as 30s; 0 runs until Ctrl-C")
		fs.Uint64Var(&o.seed, "seed", 0, "the same seed, at the same rate, makes up the same incidents; 0 takes any")
		return o.run
	},
}

type demoOptions struct {
	rate     int
	duration time.Duration
	seed     uint64
}

const (
	demoShards = 16
	// demoMemory is what the garbage collector aims to stay below. The demo promises 300 MiB.
	demoMemory = 200 << 20
	// What the service may keep in memory is less than by default, too.
	demoCache  = 32 << 20
	demoDedupe = time.Minute
)

func (o *demoOptions) run(ctx context.Context, s *session, _ []string) error {
	if o.rate < 1 || o.rate > 20_000 || o.duration < 0 {
		return &usageError{message: "demo: -rate is from 1 to 20000, and -duration is not negative"}
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(demoMemory))
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	if o.duration > 0 {
		ctx, stop = context.WithTimeout(ctx, o.duration)
		defer stop()
	}
	d, err := startDemo(s, o)
	if err != nil {
		return err
	}
	defer d.stop()
	return d.serve(ctx)
}

// demo is everything that runs in one process.
type demo struct {
	*demoOptions
	began    time.Time
	broker   *demoBroker
	store    *windowstore.Mem
	program  *stream.Program
	registry *prometheus.Registry
	ready    *httpserver.Readiness
	web      *httpserver.Server
	service  *stream.Service
	world    *world
	feed     *feed
	view     view
	log      *slog.Logger
}

// view shows what happens.
type view interface {
	io.Writer // of the log
	announce(announced)
	// run shows figures until ctx ends.
	run(ctx context.Context, d *demo)
	// end prints how it went.
	end(d *demo)
}

// startDemo starts what the service needs: the broker, the store, HTTP.
func startDemo(s *session, o *demoOptions) (*demo, error) {
	d := &demo{demoOptions: o, began: time.Now(), store: windowstore.NewMem(demoShards), registry: newRegistry(), ready: &httpserver.Readiness{}}
	d.view = newView(s)
	d.log = slog.New(slog.NewTextHandler(d.view, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	if d.program, err = stream.Compile([]*thresholds.Pack{mustBuiltin(defaultPack)}, thresholds.DefaultMaxMembers); err != nil {
		return nil, err
	}
	if d.broker, err = startBroker(); err != nil {
		return nil, err
	}
	handler, m := httpserver.NewHandler(d.registry, d.ready, d.log), httpserver.NewMetrics(d.registry)
	if d.web, err = httpserver.Start("127.0.0.1:8080", httpserver.Auth{}, handler, m, d.log); err != nil {
		d.web, err = httpserver.Start("127.0.0.1:0", httpserver.Auth{}, handler, m, d.log)
	}
	if err != nil {
		d.broker.cluster.Close()
		return nil, err
	}
	d.service = stream.New(stream.Options{
		Kafka: d.broker.kafka, Program: d.program, Store: d.store, Shards: demoShards,
		Intake: stream.Intake{DedupeWindow: demoDedupe}, CacheBytes: demoCache, Registry: d.registry, Log: d.log,
	})
	d.ready.StoreConnected(d.store)
	d.ready.ServiceStarted(d.service)
	d.world = newWorld(o.seed, time.Now(), o.rate)
	d.feed = newFeed(d.world, d.broker, o.rate, func() int { return readFigures(d.registry).events("") })
	return d, nil
}

// serve runs everything until ctx ends. The view goes on until the service has
// stopped, so that nothing it says is lost.
func (d *demo) serve(ctx context.Context) error {
	var around sync.WaitGroup
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	around.Go(func() { d.feed.run(ctx) })
	around.Go(func() { d.broker.trim(ctx) })
	around.Go(func() { tap(inner, d.broker, d.view.announce) })
	around.Go(func() { d.view.run(inner, d) })
	around.Go(func() {
		every(ctx, 10*time.Second, func() { forgetEnded(ctx, d.program, d.store, d.world, d.log) })
	})
	err := serve(ctx, d.service, d.ready, d.log)
	stop()
	around.Wait()
	d.view.end(d)
	return err
}

func (d *demo) stop() {
	d.web.Stop()
	d.broker.cluster.Close()
}

// closing says how the demo went.
func (d *demo) closing() string {
	f := readFigures(d.registry)
	return fmt.Sprintf("demo: %s, %s; matched %s, duplicate %s, malformed %s, ahead %s, late %s; crossings %s; stored %s keys, %s; seed %d",
		time.Since(d.began).Round(100*time.Millisecond), counted(f.events(""), "event"), grouped(f.events("matched")),
		grouped(f.events("duplicate")), grouped(f.events("malformed")), grouped(f.events("ahead")), grouped(f.of("late_total")),
		grouped(f.of("crossings_total")), grouped(d.store.Len()), kibibytes(d.store.Bytes()), d.seed)
}

func kibibytes(n int64) string { return grouped(int(n>>10)) + " KiB" }
