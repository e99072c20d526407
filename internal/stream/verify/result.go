package verify

import "time"

// Result is what Verify did.
type Result struct {
	Records     int64 // read from the log
	Subjects    int   // compared, all or in part
	Counters    int   // compared, all or in part
	Levels      int   // compared
	Differences int
	// Open counts what could not be compared, by the reason.
	Open [NumReasons]int
	// Shortened: ids were forgotten early because dedupe.max_ids was reached, so that the service
	// may have judged repeats otherwise.
	Shortened bool
	// OtherRules: the service counted last by other rules than those of the config.
	OtherRules bool
	// Earlier are the other rules that decided parts of the log.
	Earlier []Earlier
}

// Nothing reports whether there was something to compare, and none of it could be.
func (r *Result) Nothing() bool { return r.Subjects > 0 && r.Counters+r.Levels+r.Differences == 0 }

// Difference is something of which the log says one thing and the store another.
type Difference struct {
	Subject string `json:"subject"` // as incident/inc-42
	Rule    string `json:"rule,omitempty"`
	Measure string `json:"measure,omitempty"`
	// What differs: record (there or not, sound or not), time (the subject's newest), first (its
	// earliest), value, bucket, members (of a counter), level.
	What string `json:"what"`
	Want any    `json:"want"` // by the log
	Got  any    `json:"got"`  // in the store
}

// Finding is what the log says and what the store has, of one measure of a rule or of its level.
type Finding struct {
	Difference
	Agrees *bool  `json:"agrees,omitempty"` // also in what does not show here; nil: no difference, and not all was compared
	Open   string `json:"not_compared,omitempty"`
}

// Reason is why something could not be compared.
type Reason uint8

// The reasons. What each leaves out is counted in Result.Open.
const (
	// OpenOld: counters that reach back before the log as it was read. What lies after its start
	// was compared.
	OpenOld Reason = iota
	// OpenSince: counters that a changed pack brought, whose window reaches back before that.
	OpenSince
	// OpenOrder: counters with a weight or an `after` that rest on the order between partitions.
	OpenOrder
	// OpenCapped: counters at their cap or bound, which rest on the order, or on what is not in the log.
	OpenCapped
	// OpenLevels: levels and episodes that rest on the order between partitions or on what is not in the log.
	OpenLevels
	// OpenForgotten: subjects that may be forgotten, since their windows are empty.
	OpenForgotten
	// OpenRules: levels, and counters at their cap, of subjects that other rules decided before a change, or decide in part.
	OpenRules
	// OpenIntake: what is fed by events that were taken in otherwise before a change: another type, or as a repeat, or as
	// too far ahead.
	OpenIntake
	NumReasons
)

func (r Reason) String() string {
	return [NumReasons]string{
		"counters compared only from where the log as read is complete", "counters kept only since a pack changed",
		"counters whose weights or `after` rest on the order between partitions", "counters at their cap",
		"levels that rest on the order between partitions, or on what the log no longer holds", "subjects whose windows are empty",
		"levels, and counters at their cap, that rest on rules of before a change",
		"counters and levels fed by events that were taken in otherwise before a change (cloudevents.types, max_ahead, dedupe)",
	}[r]
}

func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
