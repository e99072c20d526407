package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/seed-afe14ff2/aggregator/internal/board/web"
	"github.com/seed-afe14ff2/aggregator/internal/demo"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/packtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

var demoCommand = &command{
	name: "demo", args: "[-rate N] [-duration D] [-seed N]", about: "shows the program at work, with nothing else installed",
	more: `Starts a Kafka broker and a store in this process, makes up incidents, and runs the
service on them. On a terminal it draws what happens; elsewhere each crossing is a
line on stdout. The same with TERM=dumb; with NO_COLOR it draws without colours.
The board is at the address that is printed first. At the end all is counted again from the
log, by code that shares nothing with the service, and the differences are printed: 0.
Nothing is written to disk. The key q, or Ctrl-C, ends it; the last crossings stay on the screen.`,
	flags: func(fs *flag.FlagSet) runner {
		var o demo.Options
		fs.IntVar(&o.Rate, "rate", 1_000, fmt.Sprintf("events a second, from 1 to %d", demo.MaxRate))
		fs.Var((*durationFlag)(&o.Duration), "duration", "ends by itself after this `time`, as 30s; 0s runs until Ctrl-C")
		fs.Uint64Var(&o.Seed, "seed", 0, "the same seed, at the same rate, makes up the same incidents; 0 takes any")
		return func(ctx context.Context, s *session, _ []string) error { return runDemo(ctx, s, o) }
	},
}

func runDemo(ctx context.Context, s *session, o demo.Options) error {
	if o.Rate < 1 || o.Rate > demo.MaxRate {
		return &usageError{message: fmt.Sprintf("demo: -rate is from 1 to %d", demo.MaxRate)}
	}
	if o.Duration < 0 {
		return &usageError{message: "demo: -duration is not negative"}
	}
	o.Pack, o.Registry, o.In, o.Out, o.Err = mustBuiltin(defaultPack), newRegistry(), s.in, s.out, s.err
	term := s.variable("TERM")
	o.Lines, o.NoColour = term == "" || term == "dumb", s.variable("NO_COLOR") != ""
	set := &packSet{failing: map[string][]string{o.Pack.Hash: packtest.Run(o.Pack, engine.IntakeOptions{}, thresholds.DefaultMaxMembers)}}
	seen := newBoard("aggregator", set.failing)
	defer seen.Stop()
	o.Register = func(mux *http.ServeMux) {
		seen.Register(mux)
		web.Register(mux)
	}
	o.Connect = func(k stream.Kafka, p *engine.Program, store windowstore.Store, service *stream.Service, log *slog.Logger) func() {
		sight, end := show(seen, &shown{kafka: k, store: store, shards: stream.DefaultShards, listed: true, service: service, log: log})
		sight.packs(&reloaded{p, set})
		return func() {
			end()
			seen.Stop()
		}
	}
	o.Serve = func(ctx context.Context, service *stream.Service, ready *httpserver.Readiness, log *slog.Logger) error {
		return serve(ctx, service, ready, log)
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	return demo.Run(ctx, o)
}
