package preflight

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestVerdict: the last line, and whether the service can run.
func TestVerdict(t *testing.T) {
	f := func(failed, warned int, fit bool, want string) {
		t.Helper()
		var b strings.Builder
		r := &report{out: &b, err: &b, failed: failed, warned: warned}
		if got := r.verdict(); got != fit || b.String() != want {
			t.Errorf("got %t, %q, want %t, %q", got, b.String(), fit, want)
		}
	}
	f(0, 0, true, "check: the service can run\n")
	f(0, 3, true, "check: the service can run: warnings 3\n")
	f(2, 1, false, "check: the service cannot run so: failed 2, warnings 1\n")
}

// TestReport: what is fine goes to one output, everything else to the other, counted.
func TestReport(t *testing.T) {
	var out, err strings.Builder
	r := &report{out: &out, err: &err}
	r.fine("topic %s: %d %%", "t", 1)
	r.warn("a %s", "w")
	r.fail("b %s", "x")
	r.failOrWarn(true, "c %d %%", 1)
	r.failOrWarn(false, "d")
	if out.String() != "ok: topic t: 1 %\n" || err.String() != "warning: a w\nfailed: b x\nfailed: c 1 %\nwarning: d\n" || r.failed != 2 || r.warned != 2 {
		t.Errorf("got %q, %q, failed %d, warned %d", out.String(), err.String(), r.failed, r.warned)
	}
}

// TestAllowed: which of the operations needed are not allowed.
func TestAllowed(t *testing.T) {
	f := func(set int32, fine bool, want string) {
		t.Helper()
		var b strings.Builder
		r := &report{out: &b, err: &b}
		if got := r.allowed("topic t", set, readOperations); got != fine || b.String() != want {
			t.Errorf("%b: got %t, %q, want %t, %q", set, got, b.String(), fine, want)
		}
	}
	const read, describe = 1 << kmsg.ACLOperationRead, 1 << kmsg.ACLOperationDescribe
	f(read|describe, true, "ok: topic t: allowed: READ, DESCRIBE\n")
	f(read|describe|1<<kmsg.ACLOperationWrite, true, "ok: topic t: allowed: READ, DESCRIBE\n")
	f(read, false, "failed: topic t: not allowed: DESCRIBE\n")
	f(0, false, "failed: topic t: not allowed: READ, DESCRIBE\n")
	f(unasked, true, "warning: topic t: the broker does not say what is allowed\n")
}

// TestLongestWindow: with its step, over all packs.
func TestLongestWindow(t *testing.T) {
	f := func(want time.Duration, packs ...*thresholds.Pack) {
		t.Helper()
		if got := longestWindow(packs); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	pack := func(rules ...*thresholds.Rule) *thresholds.Pack { return &thresholds.Pack{Rules: rules} }
	f(0)
	f(0, pack(&thresholds.Rule{}))
	f(70*time.Second, pack(&thresholds.Rule{Window: 10, Step: 1}, &thresholds.Rule{Window: 60, Step: 10}), pack(&thresholds.Rule{Window: 65, Step: 4}))
}
