package roster

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/seed-afe14ff2/aggregator/internal/stream/metrics"
)

// comparison is which packs the processes of a deployment have, beside those of one of them.
type comparison struct {
	own     atomic.Pointer[[]Pack]
	metrics *metrics.Health
	log     *slog.Logger
	logged  string                 // packs of others that were logged
	others  atomic.Pointer[string] // the processes with other packs, for readers; nil: none
}

// note takes the other processes that live. It logs when their packs begin to differ from those of this process, change, or
// are the same again.
func (c *comparison) note(live []Process) {
	kinds, own := map[string]bool{}, *c.own.Load()
	var differing []Process
	for _, p := range live {
		if !slices.Equal(p.Packs, own) {
			kinds[fmt.Sprint(p.Packs)] = true
			differing = append(differing, p)
		}
	}
	c.metrics.RulesDiffer(len(kinds))
	now := strings.Join(slices.Sorted(maps.Keys(kinds)), "; ")
	text := shown(differing)
	if c.others.Store(nil); text != "" {
		c.others.Store(&text)
	}
	switch {
	case now == c.logged:
	case now == "":
		c.log.Info("processes have the same packs again", "packs", Packs(own))
	default:
		c.log.Warn("processes have different packs: each decides by its own", "packs", Packs(own), "others", text)
	}
	c.logged = now
}

// shown names processes, or the first of many.
func shown(list []Process) string {
	const few = 5
	var texts []string
	for _, p := range list[:min(len(list), few)] {
		texts = append(texts, p.String())
	}
	if more := len(list) - few; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}

// Packs names the packs of the process, and which processes have others.
func (r *Roster) Packs() string {
	own := Packs(*r.packs.own.Load())
	if others := r.packs.others.Load(); others != nil {
		return own + "; other processes have others: " + *others
	}
	return own
}

// Reload notes that the process decides by other packs from now on. The others are told with the next look.
func (r *Roster) Reload(packs []Pack) { r.packs.own.Store(&packs) }
