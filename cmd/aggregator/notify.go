package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/notify"
	"github.com/seed-afe14ff2/aggregator/internal/notify/alertmanager"
	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

var notifyCommand = &command{
	name: "notify", args: "-config FILE [-listen ADDR] [-test]", about: "alerts out: delivers crossings to Alertmanager, webhooks and PagerDuty",
	more: `It reads the config of run; its sinks are under the key notify. Each sink reads the crossings'
topic in a Kafka group of its own, and is told of crossings at least once, in the order of each
subject. Run it beside run, as a process of its own; several of them share the work.
Probes and metrics are at -listen, else at http.listen if that is free, else at a free port,
which the log names.
Ends at SIGINT or SIGTERM, when what is under way is done; a second signal ends it at once.
-test sends one example to each sink, and ends.
Exit: 0 stopped as asked, or all sinks took the example; 1 failed; 2 a fault of flags or config.`,
	flags: func(fs *flag.FlagSet) runner {
		var o notifyOptions
		fs.StringVar(&o.config, "config", "", "the config `file` (needed)")
		fs.StringVar(&o.listen, "listen", "", "where probes and metrics are served, `host:port`")
		fs.BoolVar(&o.test, "test", false, "send one example to each sink, and end")
		return o.run
	},
}

type notifyOptions struct {
	config, listen string
	test           bool
}

func (o *notifyOptions) run(ctx context.Context, s *session, _ []string) error {
	if o.config == "" {
		return &usageError{message: "notify: -config is missing"}
	}
	if err := listenAddress(o.listen); o.listen != "" && err != nil {
		return &usageError{message: "notify: -listen: " + err.Error()}
	}
	c, bad := s.loadConfig(o.config)
	sinks, wrong := c.openSinks()
	if err := append(bad, wrong...).orNil(); err != nil {
		return err
	}
	if len(sinks) == 0 {
		return faults{o.config + `: notify: there is no sink; write notify: [{name: hook, webhook: {url: "https://alerts.example/aggregator"}}]`}
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	if o.test {
		return sendExamples(ctx, s, sinks)
	}
	log := newLog(s.err, c.logLevel, c.logFormat)
	for _, w := range c.warnings {
		log.Warn("config or packs could be safer", "problem", w)
	}
	if err := o.serve(ctx, c, sinks, log); err != nil {
		log.Error("ended", "error", err)
		return errReported
	}
	return nil
}

// serve is the life of the process: what starts first stops last.
func (o *notifyOptions) serve(ctx context.Context, c *config, sinks []*notify.Sink, log *slog.Logger) error {
	registry := newRegistry()
	service := notify.New(notify.Options{Sinks: sinks, Group: c.kafka.Group, Connect: c.kafka.Subscribe, Metrics: notify.NewMetrics(registry), Log: log})
	ready := httpserver.NewChecks(service.Progress)
	ready.Add("kafka", func() (string, error) { return "", service.Kafka() })
	ready.Add("groups", service.Groups)
	site, err := o.listenAt(c, registry, ready, log)
	if err != nil {
		return err
	}
	defer site.Stop()
	log.Info("started", "version", readBuild().version, "http", site.Addr, "sinks", sinkNames(sinks), "crossings", c.kafka.Crossings)
	return serve(ctx, service, ready, log)
}

// listenAt serves probes and metrics: at -listen, at http.listen, or at a free port if that is taken, as by run on the same machine.
func (o *notifyOptions) listenAt(c *config, registry *prometheus.Registry, ready *httpserver.Checks, log *slog.Logger) (*httpserver.Server, error) {
	mux, auth, metrics := httpserver.NewMux(registry, ready, log), c.auth, httpserver.NewMetrics(registry)
	if o.listen != "" {
		return httpserver.Start(o.listen, auth, mux, metrics, log)
	}
	site, err := httpserver.Start(c.listen, auth, mux, metrics, log)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return site, err
	}
	host, _, err := net.SplitHostPort(c.listen)
	if err != nil {
		return nil, err
	}
	return httpserver.Start(net.JoinHostPort(host, "0"), auth, mux, metrics, log)
}

func sinkNames(sinks []*notify.Sink) (names []string) {
	for _, s := range sinks {
		names = append(names, s.Name)
	}
	return names
}

// sendExamples sends a crossing that was made up to each sink, and says what became of it.
func sendExamples(ctx context.Context, s *session, sinks []*notify.Sink) error {
	failed := false
	c := crossing.Example(time.Now())
	for _, sink := range sinks {
		if am, is := sink.Target.(*alertmanager.Sink); is {
			am.Active = 0 // it fires for no longer than it must
		}
		ctx, cancel := context.WithTimeout(ctx, post.Timeout)
		err := sink.Target.Deliver(ctx, c)
		cancel()
		if err != nil {
			failed = true
			fmt.Fprintf(s.err, "failed: sink %s: %s\n", sink.Name, strings.TrimSpace(err.Error()))
			continue
		}
		if _, err := fmt.Fprintf(s.out, "ok: sink %s took the example %s\n", sink.Name, c.ID); err != nil {
			return err
		}
	}
	if failed {
		return errReported
	}
	return nil
}
