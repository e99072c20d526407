package thresholds

import (
	"fmt"
	"strings"
	"testing"
)

// textPack has a text in every place where a pack may have one of its own, as YAML writes it in double quotes.
func textPack(text string) string {
	return strings.ReplaceAll(`pack: "TEXT"
measures:
  "TEXT": {sum: count, types: ["TEXT", click], where: {category: ["TEXT"], incident: {not: ["TEXT"]}}}
  pairs: {distinct: {"TEXT": account}}
rules:
  - {id: r, title: "TEXT", cite: "TEXT", by: incident, window: 1h, step: 1m, limits: {"TEXT": 9}}
  - {id: s, title: T, cite: C, by: incident, window: 1h, step: 1m, limits: {pairs: 9}}
tests:
  - name: "TEXT"
    events: [{id: "TEXT", type: "TEXT", incident: "TEXT", category: "TEXT", account: "TEXT{n}", count: 1}]
    crossings: []
`, "TEXT", text)
}

// TestTexts: the texts of a pack may hold whatever an event's may, except for what cannot be meant.
func TestTexts(t *testing.T) {
	parse := func(text string) (*Pack, []string) {
		pack, faults := Parse("p.yaml", []byte(textPack(text)), Options{})
		var list []string
		for _, f := range faults {
			if !f.Warning {
				list = append(list, f.Message)
			}
		}
		return pack, list
	}
	for _, text := range []string{
		"個人　情報", "می\u200cخواهم", "क्\u200dष", "a\u00a0b", "a\u202fb", "a\u2007b", "\u200fא", "\u2067א\u2069", "😀\ufe0f", "\ue000", "\u0378", "e\u0301", "\ufffd", "\u00ad",
		`a\u3000b`, `a\u200cb`, `a\u2028b`, `\ufeffa`, `a\U000e0001`, " ",
	} {
		pack, faults := parse(text)
		if len(faults) > 0 {
			t.Errorf("%+q: %q", text, faults)
			continue
		}
		want := text
		if strings.HasPrefix(text, `a\u3`) {
			want = "a\u3000b"
		}
		if !strings.Contains(text, `\`) || want != text {
			if got := pack.Rules[0]; got.Title != want || got.Cite != want || pack.Name != want || got.Limits[0].Measure.Where[0].Values[0] != want {
				t.Errorf("%+q: %+v", text, got)
			}
		}
	}
	for c, why := range map[string]string{
		"0000": "a control character", "0009": "a control character", "000a": "a control character", "001b": "a control character", "007f": "a control character",
		"0085": "a control character", "009b": "a control character",
		"202a": "which turns round how the text is shown", "202b": "which turns round how the text is shown", "202c": "which turns round how the text is shown",
		"202d": "which turns round how the text is shown", "202e": "which turns round how the text is shown",
	} {
		_, faults := parse(`a\u` + c)
		if len(faults) < 10 {
			t.Errorf("U+%s: faults %q", c, faults)
		}
		for _, f := range faults {
			if !strings.Contains(f, "holds the character U+"+strings.ToUpper(c)+", "+why+"; take it out") || dangerous.MatchString(f) {
				t.Errorf("U+%s: %+q", c, f)
			}
		}
	}
	if _, faults := parse(`\ud800`); len(faults) != 1 || !strings.Contains(faults[0], "this is not YAML: found invalid Unicode character escape code") {
		t.Errorf("half of a surrogate pair: %q", faults)
	}
}

// TestFaultsShowNothingRaw: a fault shows texts of its pack so that a terminal cannot act on them, also in a list of names.
func TestFaultsShowNothingRaw(t *testing.T) {
	for _, text := range []string{`c\u202el`, `\u001b[2J`, `\u2028`, `\u2066x`, `a, b`, `a\u0007`} {
		pack := fmt.Sprintf(`pack: p
measures: {"%[1]s": {sum: count, types: [click]}, !!int "%[1]s": {}}
rules:
  - {id: "%[1]s", by: "%[1]s", window: !!int "%[1]s", step: !!float "%[1]s", limits: {nothing: 5}, combine: "%[1]s", levels: ["%[1]s"], title: !!bool "%[1]s", "%[1]s": 1}
`, text)
		_, faults := Parse("p.yaml", []byte(pack), Options{})
		if len(faults) < 5 {
			t.Errorf("%s: faults %q", text, faults)
		}
		for _, f := range faults {
			if dangerous.MatchString(f.String()) {
				t.Errorf("%s: %+q", text, f)
			}
		}
	}
	_, faults := Parse("p.yaml", []byte(`{pack: p, measures: {"\u2067a": {distinct: account, types: [click]}}, rules: [
  {id: r, by: account, window: 1h, step: 1m, limits: {"\u2067a": 5}}, {id: s, by: incident, window: 1h, step: 1m, limits: {"\u2067a": 1}, levels: [0.9, 1]}]}`), Options{})
	if text := fmt.Sprint(faults); strings.Count(text, `"\u2067a"`) < 2 || dangerous.MatchString(text) {
		t.Errorf("%+q", text)
	}
	_, faults = Parse("p.yaml", []byte(`{pack: p, measures: {"a, b": {sum: count, types: [click]}, c: {sum: count, types: [view]}}, rules: [{id: r, by: incident, window: 1h, step: 1m, limits: {nothing: 5}}]}`), Options{})
	if text := fmt.Sprint(faults); !strings.Contains(text, `there is no measure "nothing"; choose from "a, b", c`) {
		t.Error(text)
	}
}
