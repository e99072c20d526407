package packdiff

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

const before = `
pack: p
measures:
  clicks:  {sum: count, types: [click]}
  readers: {distinct: account, types: [view, click]}
  orders:  {sum: count, types: [order]}
  defied:  {sum: count, types: [click], after: orders}
rules:
  - {id: clicks, title: Clicks, by: incident, window: 1h, step: 1m, limits: {clicks: 100}, clear: 0.4}
  - {id: readers, by: incident, window: 1d, step: 1h, limits: {readers: 20}}
  - {id: defied, by: incident, window: 1d, step: 1h, limits: {defied: 20}}
`

// parse reads a pack some texts of which are replaced: pairs of before and after.
func parse(t *testing.T, edits ...string) []*thresholds.Pack {
	t.Helper()
	text := before
	for i := 0; i < len(edits); i += 2 {
		if strings.Count(text, edits[i]) != 1 {
			t.Fatalf("%q is not there once", edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	p, faults := thresholds.Parse("p.yaml", []byte(text), thresholds.Options{})
	if p == nil {
		t.Fatal(faults)
	}
	return []*thresholds.Pack{p}
}

// TestOf: what a change means, as text.
func TestOf(t *testing.T) {
	for name, c := range map[string]struct {
		edits []string
		want  string
	}{
		"nothing":           {nil, "nothing changes\n"},
		"names of measures": {[]string{"  readers: {d", "  people: {d", "{readers: 20}", "{people: 20}"}, "changed  readers\n           limits.readers: 20 -> none\n           limits.people: none -> 20\n"},
		"a limit, levels, a clear, a title": {
			[]string{"title: Clicks", "title: All clicks", "{clicks: 100}, clear: 0.4", "{clicks: 60}, levels: [0.5, 1]"},
			"changed  clicks\n           levels: [0.8, 1] -> [0.5, 1]\n           clear: 0.4 -> none\n           title: Clicks -> All clicks\n           limits.clicks: 100 -> 60\n",
		},
		"made shadow": {[]string{"clear: 0.4}", "clear: 0.4, shadow: true}"}, "changed  clicks\n           shadow: false -> true\n"},
		"an id": {
			[]string{"id: readers", "id: people"},
			"added    people (pack p)\nremoved  readers (pack p): it ends nothing; its open episodes stay open\n",
		},
		"a window": {
			[]string{"window: 1h, step: 1m", "window: 2h, step: 2m"},
			"changed  clicks\n           window: 1h -> 2h\n           step: 1m -> 2m\nanew     clicks, measure clicks begins to count when the packs are in force: window was 1h; step was 1m\n",
		},
		"a kind of subject": {
			[]string{"title: Clicks, by: incident", "title: Clicks, by: content"},
			"changed  clicks\n           by: incident -> content\nanew     clicks, measure clicks begins to count when the packs are in force: by was incident\n",
		},
		"what is counted": {
			[]string{"types: [view, click]", "types: [view]"},
			"changed  readers\n           measures.readers: distinct of \"click\".\"account\" \"view\".\"account\" -> distinct of \"view\".\"account\"\n" +
				"anew     readers, measure readers begins to count when the packs are in force: it counted: distinct of \"click\".\"account\" \"view\".\"account\"\n",
		},
		"what must precede": {
			[]string{"types: [order]", "types: [refuse]"},
			"changed  defied\n           measures.defied: sum \"count\" of \"click\"; after (sum \"count\" of \"order\") -> sum \"count\" of \"click\"; after (sum \"count\" of \"refuse\")\n" +
				"anew     defied, measure defied begins to count when the packs are in force: it counted: sum \"count\" of \"click\"; after (sum \"count\" of \"order\")\n",
		},
		"a rule that reads a counter that is there": {
			[]string{"clear: 0.4}\n", "clear: 0.4}\n  - {id: early, by: incident, window: 1h, step: 1m, limits: {clicks: 10}}\n"}, "added    early (pack p)\n",
		},
		"a rule that counts what nobody counted": {
			[]string{"clear: 0.4}\n", "clear: 0.4}\n  - {id: early, by: group, window: 1h, step: 1m, limits: {clicks: 10}}\n"},
			"added    early (pack p)\nanew     early, measure clicks begins to count when the packs are in force: the rule is new, and no other counted this\n",
		},
	} {
		if got := Of(parse(t), parse(t, c.edits...)).Text(); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, c.want)
		}
	}
}

// TestSilenced: rules that are removed or made shadow, and were announced before.
func TestSilenced(t *testing.T) {
	for name, c := range map[string]struct {
		before, now []string
		want        string
	}{
		"nothing":     {nil, nil, ""},
		"made shadow": {nil, []string{"clear: 0.4}", "clear: 0.4, shadow: true}"}, "clicks"},
		"made live":   {[]string{"clear: 0.4}", "clear: 0.4, shadow: true}"}, nil, ""},
		"removed":     {nil, []string{"id: readers", "id: people"}, "readers"},
		"was shadow":  {[]string{"{readers: 20}}", "{readers: 20}, shadow: true}"}, []string{"id: readers", "id: people"}, ""},
	} {
		if got := strings.Join(Silenced(parse(t, c.before...), parse(t, c.now...)), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestLines: what a log line says of a change.
func TestLines(t *testing.T) {
	d := Of(parse(t), parse(t, "clear: 0.4}", "clear: 0.4, shadow: true}", "id: readers", "id: people", "{defied: 20}", "{defied: 30}, levels: [0.5, 1]"))
	d.Open = map[string]int{"readers": 3, "clicks": 0}
	got := joined(d.Lines())
	want := []string{"people", "readers", "clicks: shadow: false -> true", "defied: levels: [0.8, 1] -> [0.5, 1]; limits.defied: 20 -> 30", "clicks: 0", "readers: 3"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if text := d.Text(); !strings.Contains(text, "removed  readers (pack p): it ends nothing; 3 open episodes stay open\n") {
		t.Error(text)
	}
	if !d.Has("people") || !d.Has("defied") || d.Has("readers") {
		t.Error("it has others")
	}
}

func joined(lists ...[]string) []string { return slices.Concat(lists...) }
