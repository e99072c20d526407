package main

import (
	"errors"
	"fmt"

	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// otherFiles are the forms that a whole file may have in place of lines of JSON, with the command
// that makes lines of each. They go by the reason for which the file's first line is malformed.
var otherFiles = map[string]string{
	event.ReasonGzip: "zcat", event.ReasonZstd: "zstdcat", event.ReasonLZ4: "lz4cat", event.ReasonBzip2: "bzcat", event.ReasonXZ: "xzcat",
	event.ReasonZip: "unzip -p", event.ReasonAvro: "avro-tools tojson",
	event.ReasonUTF16: "iconv -f UTF-16 -t UTF-8", event.ReasonUTF32: "iconv -f UTF-32 -t UTF-8",
}

// mostNamed is how many lines of a file that is no text are printed after all, since they too begin as something known.
const mostNamed = 20

// refused prints why a line is malformed or ahead. If the file is no text, its form is printed once, and not what is wrong
// with each of its lines, which are no lines.
func (r *replayer) refused(line []byte, err error) {
	reason := ""
	if bad, ok := errors.AsType[*event.Malformed](err); ok {
		reason = bad.Reason
	}
	foreign := event.Foreign(line)
	if r.garbled != "" && reason != event.ReasonAhead {
		if foreign == nil || foreign.Reason == r.garbled || r.named == mostNamed {
			r.unshown++
			return
		}
		r.named++
	}
	r.bar.Clear()
	fmt.Fprintf(r.err, "%s:%d: %v\n", r.name, r.lines.number, err)
	if reason == event.ReasonTooLarge && foreign != nil {
		reason = foreign.Reason // one line may be the whole file
	}
	r.hintFile(reason)
}

// hintFile says once how events are written, when a line is met that is no JSON object.
func (r *replayer) hintFile(reason string) {
	if r.hinted {
		return
	}
	r.hinted = true
	into := "aggregator replay"
	switch command := otherFiles[reason]; {
	case command != "" && r.lines.number == 1:
		r.garbled = reason
		fmt.Fprintf(r.err, "hint: the file is not lines of JSON, it begins as %s does: %s | %s\n", reason, r.from(command), into)
	case reason == event.ReasonArray:
		fmt.Fprintf(r.err, "hint: there is one event a line here; to make lines of an array: %s | %s\n", r.from("jq -c '.[]'"), into)
	case reason == event.ReasonBOM:
		fmt.Fprintf(r.err, "hint: to take the byte order mark off the file: %s | %s\n", r.from("tail -c +4"), into)
	case reason == event.ReasonSyntax:
		fmt.Fprintln(r.err, "hint: there is one event a line here, each a whole JSON object; `jq -c .` writes others so")
	default:
		r.hinted = false
	}
}

// from is a command that reads what is replayed.
func (r *replayer) from(command string) string {
	if r.name == stdin {
		return command
	}
	return command + " " + r.name
}

func (r *replayer) printUnshown() {
	if r.unshown > 0 {
		fmt.Fprintf(r.err, "replay: %s more malformed, as the file is not lines of JSON\n", humanize.Count(r.unshown, "line"))
	}
}
