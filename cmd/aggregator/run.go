package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/board/web"
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

var runCommand = &command{
	name: "run", args: "-config FILE [-skip TOPIC/PARTITION/OFFSET]... [-adopt GROUP]", about: "the service: reads events from Kafka, counts in Redis, announces crossings",
	more: `Ends at SIGINT or SIGTERM, when everything read is counted and stored; a second
signal ends it at once. It waits for Kafka, its topics and Redis to be there.
A store in Redis belongs to one group and its crossings topic: that of another one is refused. -adopt takes over, once,
the store of the group that it names: for a deployment that was renamed.
Every key of the config can be overridden by an environment variable, as
AGGREGATOR_REDIS_PASSWORD for redis.password.
Where the log of a partition was damaged, so that it stands still and says so, -skip
passes over what cannot be read at that offset, for good: it is noted in Redis, and
counted as a hole. What can be read there is not skipped.
Packs whose own tests fail are refused, unless rules.tests is warn.
Packs that change are taken without a restart: at SIGHUP, when the bytes of a file change (rules.poll), and at
POST /-/reload if http.reload is true. With a fault those of before stay in force. Of the config, rules is read again.
Exit: 0 stopped as asked; 1 failed; 2 a fault of flags, config or packs.`,
	flags: func(fs *flag.FlagSet) runner {
		file := fs.String("config", "", "the config `file` (needed; an empty one will do)")
		var once atOnce
		fs.StringVar(&once.adopt, "adopt", "", "take over the store that belongs to `group`, whose processes are stopped")
		fs.Func("skip", "pass over what cannot be read at `TOPIC/PARTITION/OFFSET`, once; may be given again for other places", func(text string) error {
			x, err := partition.ParseSkip(text)
			once.skips = append(once.skips, x)
			return err
		})
		return func(ctx context.Context, s *session, _ []string) error { return runService(ctx, s, *file, once) }
	},
}

// atOnce is what the service does when it begins, and never again.
type atOnce struct {
	adopt string           // a group whose store it takes over
	skips []partition.Skip // what cannot be read and is to be passed over
}

// untilSignal ends with the first signal. The second one does what signals do by
// default: it ends the process.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// runService reads the config and the packs, and runs the service until a signal.
// From then on what happens is in the log, the end too.
func runService(ctx context.Context, s *session, file string, once atOnce) error {
	if file == "" {
		return &usageError{message: "run: -config is missing"}
	}
	hangups := catchHangups()
	defer hangups.stop()
	c, set, tested, digest, err := s.loadTested(file)
	if err != nil {
		return err
	}
	program, err := set.compile(c)
	if err != nil {
		return err
	}
	for _, x := range once.skips {
		if !slices.Contains(c.kafka.Events, x.Topic) {
			return &usageError{message: fmt.Sprintf("run: -skip %v: %q is none of the events' topics: kafka.events has %s", x, x.Topic, strings.Join(c.kafka.Events, ", "))}
		}
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	log := newLog(s.err, c.logLevel, c.logFormat)
	for _, w := range slices.Concat(c.warnings, set.warnings, shortWindows(c, set.packs)) {
		log.Warn("config or packs could be safer", "problem", w)
	}
	for _, fault := range tested {
		log.Warn("test of a pack fails: the pack is used all the same, as rules.tests says", "problem", fault)
	}
	again := newReloader(s, file, c, set, digest, log)
	if err := startAndStop(ctx, c, once, &reloaded{program, set}, again, hangups, log); err != nil {
		log.Error("ended", "error", err)
		return errReported
	}
	return nil
}

// loadTested is the config and the packs, without faults. tested is what is wrong with the packs by their own tests, where
// they are used all the same; otherwise it is among the faults, as check lists them. The digest is of the packs' files as they were
// before.
func (s *session) loadTested(file string) (c *config, set *packSet, tested faults, digest string, err error) {
	c, bad := s.loadConfig(file)
	digest = c.digest()
	set = loadPacks(c, nil)
	bad = append(bad, set.faults...)
	if tested = set.test(c); c.tests != "warn" {
		bad, tested = append(bad, tested...), nil
	}
	return c, set, tested, digest, bad.orNil()
}

// startAndStop is the life of the service: what starts first stops last.
//
//	starts: HTTP (alive, not ready), Redis (waits until it answers), the service (waits for Kafka and its topics)
//	stops:  readiness, the service (its steps: internal/stream/stop.go), what the board reads, Redis, streams of the board, HTTP
func startAndStop(ctx context.Context, c *config, once atOnce, first *reloaded, again *reloader, hups hangups, log *slog.Logger) error {
	program := first.program
	registry, ready := newRegistry(), &httpserver.Readiness{}
	mux, seen := httpserver.NewHandler(registry, ready, log), newBoard(c.kafka.Group, first.set.failing)
	seen.Register(mux)
	mux.Handle("/-/reload", again.handler(c.reload))
	web.Register(mux)
	auth := c.auth
	auth.Open = web.Open
	site, err := httpserver.Start(c.listen, auth, mux, httpserver.NewMetrics(registry), log)
	if err != nil {
		return err
	}
	defer site.Stop() // last, within httpserver.StopTimeout
	defer seen.Stop()
	names, hashes, rules := loadedRules(program)
	log.Info("started", "version", readBuild().version, "http", site.Addr, "packs", names, "pack_hashes", hashes, "rules", rules,
		"events", c.kafka.Events, "crossings", c.kafka.Crossings)

	store, err := connectRedis(ctx, &c.redis, log)
	if err != nil {
		return err
	}
	if store == nil {
		log.Info("stopped", "while", "waiting for redis")
		return nil
	}
	defer func() { _ = store.Close() }() // the service is done with it
	ready.StoreConnected(store)

	options := c.options(program, store, registry, log)
	options.Adopt, options.Skip = once.adopt, once.skips
	service := stream.New(options)
	ready.ServiceStarted(service)
	sight, end := show(seen, &shown{kafka: c.kafka, crossings: c.crossings, store: store, shards: c.shards, listed: c.listMost > 0, service: service, log: log})
	defer end()
	sight.packs(first)
	beside, stop := context.WithCancel(ctx)
	defer stop()
	go ready.Log(beside, log)
	again.take = func(ctx context.Context, next *reloaded) error {
		err := service.Reload(ctx, next.program)
		if err == nil {
			sight.packs(next)
		}
		return err
	}
	again.open = sight.open
	again.fault = func(faults string) {
		service.RulesRead(faults)
		seen.RulesRead(faults)
	}
	var reloading sync.WaitGroup
	defer reloading.Wait()
	reloading.Go(func() { again.run(beside, hups) })
	defer stop()
	return serve(ctx, service, ready, log)
}

// stopDeadline bounds the stop of the service, from the signal on. It is longer than the sum of the steps
// (stream.StopTimeout), and shorter than the grace period in deploy/k8s.
const stopDeadline = 20 * time.Second

// worker works until ctx ends.
type worker interface {
	Run(ctx context.Context) error
}

// drainer is told that the process is not ready any more.
type drainer interface{ Drain() }

// serve runs the service until ctx ends, and then waits for it to stop.
func serve(ctx context.Context, service worker, ready drainer, log *slog.Logger) error {
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	began := time.Now()
	ready.Drain()
	log.Info("stopping", "deadline", stopDeadline.String())
	select {
	case err := <-ended:
		log.Info("stopped", "seconds", time.Since(began).Seconds())
		return err
	case <-time.After(stopDeadline):
		return fmt.Errorf("not stopped within %v: what was not stored yet is read again at the next start", stopDeadline)
	}
}

// loadedRules is what the log says of the packs: their names, the hashes of their files, and how many rules they hold.
func loadedRules(p *engine.Program) (names, hashes []string, rules int) {
	for _, pack := range p.Packs() {
		names, hashes = append(names, pack.Name), append(hashes, pack.Hash)
		rules += len(pack.Rules)
	}
	return names, hashes, rules
}

// options is the config as the service takes it.
func (c *config) options(p *engine.Program, store windowstore.Store, r prometheus.Registerer, log *slog.Logger) stream.Options {
	return stream.Options{
		Kafka: c.kafka, Program: p, Intake: c.intake, Store: store, Shards: c.shards, Secret: c.key,
		RefuseLost: c.lost == "refuse", MaxAge: c.maxAge, MaxBatchEvents: c.maxEvents, CacheBytes: c.cache, ListMost: c.listMost, CanaryEvery: c.canaryEvery,
		Version: readBuild().version, Registry: r, Log: log,
	}
}
