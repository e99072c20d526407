package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

var versionCommand = &command{
	name: "version", about: "prints the version, the revision and the Go it was built with",
	flags: func(*flag.FlagSet) runner { return printVersion },
}

func printVersion(_ context.Context, s *session, _ []string) error {
	b := readBuild()
	_, err := fmt.Fprintf(s.out, "aggregator %s %s %s %s/%s\n", b.version, b.revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// build is what the binary was built of.
type build struct{ version, revision string }

// version and revision are set by the linker (-X), where Go cannot note them: an image is built without git.
var version, revision string

// readBuild returns what the binary was built of: as the linker was told, otherwise as far as Go noted it.
func readBuild() build {
	b := build{version: "(devel)", revision: "unknown"}
	if version != "" {
		return build{version, cmp.Or(revision, b.revision)}
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.revision = s.Value
		}
	}
	return b
}

// registerBuild registers the metric that names the build.
func registerBuild(r prometheus.Registerer) {
	b := readBuild()
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aggregator_build_info", Help: "What the program was built of: 1.",
		ConstLabels: prometheus.Labels{"version": b.version, "goversion": runtime.Version(), "revision": b.revision},
	})
	g.Set(1)
	r.MustRegister(g)
}

// newRegistry is a registry with the metrics that every Go program has, and the build.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registerBuild(r)
	return r
}
