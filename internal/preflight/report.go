package preflight

import (
	"fmt"
	"io"
)

// report prints what was found, and counts what keeps the service from running, and what may harm it.
type report struct {
	out, err       io.Writer // what is fine; everything else
	failed, warned int
}

func (r *report) fine(format string, args ...any) {
	fmt.Fprintf(r.out, "ok: "+format+"\n", args...)
}

func (r *report) warn(format string, args ...any) {
	r.warned++
	fmt.Fprintf(r.err, "warning: "+format+"\n", args...)
}

func (r *report) fail(format string, args ...any) {
	r.failed++
	fmt.Fprintf(r.err, "failed: "+format+"\n", args...)
}

// failOrWarn prints a failure, or otherwise a warning.
func (r *report) failOrWarn(failure bool, format string, args ...any) {
	if text := fmt.Sprintf(format, args...); failure {
		r.fail("%s", text)
	} else {
		r.warn("%s", text)
	}
}

// verdict prints the last line, and reports whether the service can run.
func (r *report) verdict() bool {
	switch {
	case r.failed > 0:
		fmt.Fprintf(r.err, "check: the service cannot run so: failed %d, warnings %d\n", r.failed, r.warned)
	case r.warned > 0:
		fmt.Fprintf(r.err, "check: the service can run: warnings %d\n", r.warned)
	default:
		fmt.Fprintln(r.err, "check: the service can run")
	}
	return r.failed == 0
}
