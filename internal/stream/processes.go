package stream

import (
	"cmp"
	"os"
	"strconv"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
	"github.com/seed-afe14ff2/aggregator/internal/stream/roster"
)

// newRoster is the roster of a process, by which the processes of a deployment see each other.
func newRoster(o *Options, process uint64, m *metrics.Metrics) *roster.Roster {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	self := roster.Process{
		Name: strconv.FormatUint(process, 16), Host: host, PID: os.Getpid(), Client: cmp.Or(o.ClientID, o.Group), Version: o.Version,
		Started: time.Now().UTC(), Packs: PacksOf(o.Program),
	}
	return roster.New(roster.Options{Store: o.Store, Self: self, Sample: newRates(m).sample, Unannounced: m.AllUnannounced, Metrics: m.Health, Calls: m.Calls, Log: o.Log})
}

// PacksOf are the packs of a program, as processes tell each other.
func PacksOf(p *engine.Program) (list []roster.Pack) {
	for _, pack := range p.Packs() {
		list = append(list, roster.Pack{Name: pack.Name, Hash: pack.Hash})
	}
	return list
}
