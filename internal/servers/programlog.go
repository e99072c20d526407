package servers

import (
	"encoding/json"
	"fmt"
	"strings"
)

// AwaitLog waits for a line of the log with that message, and returns its members.
func (p *Program) AwaitLog(message string) (line map[string]any) {
	p.tb.Helper()
	p.Log.Await(p.tb, ProgramLimit, fmt.Sprintf("%s: line %q", p.Name, message), func(text string) bool {
		for s := range strings.Lines(text) {
			line = nil
			if json.Unmarshal([]byte(s), &line) == nil && line["msg"] == message {
				return true
			}
		}
		return false
	})
	return line
}

// checkLog finds lines of the log that have a member twice. Whoever reads them takes one of the two, and is not told.
func (p *Program) checkLog() {
	p.tb.Helper()
	for line := range strings.Lines(p.Log.String()) {
		if name := repeatedMember(line); name != "" {
			p.tb.Errorf("%s: its log has %q twice in a line: %s", p.Name, name, line)
		}
	}
}

// repeatedMember is a member that a line of JSON has twice; "" if there is none, or it is no JSON.
func repeatedMember(line string) string {
	in := json.NewDecoder(strings.NewReader(line))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return ""
	}
	seen := map[any]bool{}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return ""
		}
		if seen[name] {
			return fmt.Sprint(name)
		}
		seen[name] = true
		var value json.RawMessage
		if in.Decode(&value) != nil {
			return ""
		}
	}
	return ""
}
