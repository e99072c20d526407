//go:build linux

package bench

import (
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// stores is the nodes of a Redis: one alone, or those of a Cluster.
type stores []*servers.RedisServer

func (s stores) addrs() []string {
	var all []string
	for _, node := range s {
		all = append(all, node.Addr())
	}
	return all
}

// cpu is the CPU time that all nodes have used.
func (s stores) cpu() (used time.Duration) {
	for _, node := range s {
		used += node.CPU()
	}
	return used
}

// number adds up a number of INFO over all nodes.
func (s stores) number(section, name string) (total float64) {
	for _, node := range s {
		total += number(node, section, name)
	}
	return total
}

func (s stores) stop() {
	for _, node := range s {
		node.Stop()
	}
}
