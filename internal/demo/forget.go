package demo

import (
	"context"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

const (
	// forgetAfter is how long after its end the demo keeps an incident's counts. The windows of its rules are two years long, and the demo's
	// memory is not. By then all its events were counted: they are more than may be under way.
	forgetAfter = 5 * time.Minute
	// forgetSoon is how long where there are so many events that what is kept of the log takes more than mostLog.
	forgetSoon = time.Minute
	mostLog    = 64 << 20
)

// forgetEnded deletes what was counted for incidents that ended long ago, and for
// the accounts that acted in them, after all of it was recounted. If the service meets them again, it finds them
// gone and counts from nothing.
func (d *demo) forgetEnded(ctx context.Context) {
	age := forgetAfter
	if d.recount.bytes() > mostLog {
		age = forgetSoon
	}
	forget := func(k thresholds.Kind, id string) {
		if err := d.reader().Forget(ctx, k, id); err != nil && ctx.Err() == nil {
			d.log.Warn("an incident that ended was not forgotten", "error", err)
		}
	}
	for _, i := range d.world.forget(age) {
		if err := d.recount.one(ctx, i.id, i.accounts); err != nil && ctx.Err() == nil {
			d.log.Warn("an incident that ended was not recounted", "error", err)
		}
		forget(thresholds.Incident, i.id)
		for _, a := range i.accounts {
			forget(thresholds.Account, a)
		}
	}
}
