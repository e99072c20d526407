package thresholds

import "github.com/seed-afe14ff2/aggregator/internal/strictyaml"

// readWindow reads window and step.
func readWindow(r *reader, f strictyaml.Fields, rule *Rule) {
	step, hasStep := f.Get("step")
	at, ok := r.Need(f, "window", "write an integer and s, m, h or d, as window: 730d, or window: all")
	if ok && at.Value == "all" {
		rule.WindowText = "all"
		if hasStep {
			r.Fault(step, "the window all has no steps; take step out")
		}
		return
	}
	if ok {
		rule.Window, ok = readSeconds(r, at)
		rule.WindowText = at.Value
	}
	if !hasStep {
		r.Need(f, "step", "write how finely the window moves, as step: "+stepFor(rule.Window, rule.Window/maxSteps))
		return
	}
	var stepOK bool
	if rule.Step, stepOK = r.duration(step, "a step", 1); ok && stepOK {
		checkStep(r, step, rule)
	}
}

// readSeconds reads a window that is not all.
func readSeconds(r *reader, at strictyaml.Place) (int64, bool) {
	if at.Scalar() && strictyaml.Nearest(at.Value, []string{"all"}) == "all" {
		r.Fault(at, `%s is not a window; did you mean "all"?`, strictyaml.Quote(at.Value))
		return 0, false
	}
	return r.duration(at, "a window", 1)
}

// checkStep checks a step against its window.
func checkStep(r *reader, at strictyaml.Place, rule *Rule) {
	window := rule.WindowText
	switch {
	case rule.Step > rule.Window:
		r.Fault(at, "the step is longer than the window %s; write %s or less", window, window)
	case rule.Window/rule.Step > maxSteps:
		r.Fault(at, "the window %s has %d of these steps; at most %d are allowed: write %s or more",
			window, (rule.Window+rule.Step-1)/rule.Step, maxSteps, stepFor(rule.Window, rule.Step))
	case rule.Window%rule.Step != 0:
		r.Fault(at, "the step does not divide the window %s; write %s", window, stepNear(rule.Window, rule.Step))
	}
}

// stepFor proposes a step of at least least seconds that divides window. It is the shortest in the
// largest unit that still gives ten steps, where there is such a step.
func stepFor(window, least int64) string {
	for _, fewest := range []int64{10, 2, 1} {
		for _, u := range unitSeconds {
			for n := int64(maxSteps); n >= fewest && window > 0; n-- {
				if step := window / n; window%n == 0 && step%u.seconds == 0 && step >= least {
					return DurationText(step)
				}
			}
		}
	}
	return "1d"
}

// stepNear proposes the step nearest to wanted seconds that divides window: in the largest
// unit that has one within half to double of it.
func stepNear(window, wanted int64) string {
	for _, u := range unitSeconds {
		best := int64(0)
		for n := int64(1); n <= maxSteps; n++ {
			step := window / n
			if window%n != 0 || step%u.seconds != 0 || step > 2*wanted || 2*step < wanted {
				continue
			}
			if best == 0 || max(step-wanted, wanted-step) < max(best-wanted, wanted-best) {
				best = step
			}
		}
		if best > 0 {
			return DurationText(best)
		}
	}
	return stepFor(window, wanted)
}
