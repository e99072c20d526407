package thresholds

import "testing"

// definitionOf is the definition of the measure x of a pack with these measures.
func definitionOf(t *testing.T, measures string) string {
	t.Helper()
	data := "pack: p\nmeasures:\n" + measures +
		"\nrules: [{id: r, by: incident, window: 1d, step: 1h, limits: {x: 5}}]\n"
	p, found := Parse("p.yaml", []byte(data), Options{})
	if p == nil {
		t.Fatalf("%s is faulty:\n%s", measures, faultLines(found))
	}
	return p.Rules[0].Limits[0].Measure.Definition()
}

// TestDefinition pins the texts: counters are kept under them, so that any
// change loses the counts of every installation.
func TestDefinition(t *testing.T) {
	f := func(measures, want string) {
		t.Helper()
		if got := definitionOf(t, measures); got != want {
			t.Errorf("%s is\n%s, want\n%s", measures, got, want)
		}
	}
	f(`  x: {sum: count, types: [click]}`, `sum "count" of "click"`)
	f(`  x: {sum: amount, types: [pay, fund]}`, `sum "amount" of "fund" "pay"`)
	f(`  x: {distinct: account, types: [view, click]}`, `distinct of "click"."account" "view"."account"`)
	f(`  x: {distinct: group, weight: members, types: [send]}`, `distinct of "send"."group"; weight "members"`)
	f(`  x: {sum: count, types: [click], where: {site: [a], media: {not: [text, audio]}}}`,
		`sum "count" of "click"; where "media" not "audio" "text"; where "site" "a"`)
	f("  x: {sum: count, types: [click], after: o}\n  o: {sum: count, types: [order], where: {site: [a]}}",
		`sum "count" of "click"; after (sum "count" of "order"; where "site" "a")`)
	f(`  x: {sum: count, types: ['"点 击']}`, `sum "count" of "\"\u70b9 \u51fb"`)
}

func TestDefinitionOfTheSame(t *testing.T) {
	f := func(a, b string) {
		t.Helper()
		if x, y := definitionOf(t, a), definitionOf(t, b); x != y {
			t.Errorf("%s\nis %s, but\n%s\nis %s", a, x, b, y)
		}
	}
	f(`  x: {types: [view, click], sum: count}`, `  x: {sum: count, types: [click, view]}`)
	f(`  x: {distinct: account, types: [click, view]}`, `  x: {distinct: {view: account, click: account}}`)
	f(`  x: {sum: count, types: [a], where: {site: [b, a], media: [c]}}`, `  x: {sum: count, types: [a], where: {media: [c], site: [a, b]}}`)
	f("  x: {sum: count, types: [a], after: o}\n  o: {sum: count, types: [b, c]}", "  x: {sum: count, types: [a], after: other}\n  other: {sum: count, types: [c, b]}")
}

func TestDefinitionOfTheDifferent(t *testing.T) {
	after := "\n  o: {sum: count, types: [a]}\n  q: {sum: count, types: [c]}"
	seen := map[string]string{}
	for _, x := range []string{
		`{sum: count, types: [a]}`,
		`{sum: records, types: [a]}`,
		`{sum: count, types: [a, b]}`,
		`{sum: count, types: ["a b"]}`,
		`{sum: count, types: ['a" "b']}`,
		`{sum: count, types: [a], where: {site: [a]}}`,
		`{sum: count, types: [a], where: {site: {not: [a]}}}`,
		`{sum: count, types: [a], where: {site: [a, b]}}`,
		`{sum: count, types: [a], where: {group: [a]}}`,
		`{sum: count, types: [a], after: o}`,
		`{sum: count, types: [a], after: q}`,
		`{distinct: account, types: [a]}`,
		`{distinct: group, types: [a]}`,
		`{distinct: {a: account, b: group}}`,
		`{distinct: {a: group, b: account}}`,
		`{distinct: account, weight: count, types: [a]}`,
		`{distinct: account, weight: members, types: [a]}`,
	} {
		d := definitionOf(t, "  x: "+x+after)
		if other, ok := seen[d]; ok {
			t.Errorf("%s and %s are both %s", x, other, d)
		}
		seen[d] = x
	}
}
