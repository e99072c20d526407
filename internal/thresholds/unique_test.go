package thresholds

import (
	"fmt"
	"strings"
	"testing"
)

// uniquePack is a pack of rules of these ids, one a line from line 4.
func uniquePack(t *testing.T, file, name string, ids ...string) *Pack {
	t.Helper()
	data := "pack: " + name + "\nmeasures: {x: {sum: count, types: [click]}}\nrules:\n"
	for _, id := range ids {
		data += fmt.Sprintf("  - {id: %s, by: incident, window: 1d, step: 1h, limits: {x: 5}}\n", id)
	}
	p, found := Parse(file, []byte(data), Options{})
	if p == nil {
		t.Fatal(faultLines(found))
	}
	return p
}

func TestUnique(t *testing.T) {
	f := func(want string, packs ...*Pack) {
		t.Helper()
		if got := faultLines(Unique(packs)); got != strings.TrimLeft(want, "\n") {
			t.Errorf("faults are\n%swant%s", got, want)
		}
	}
	a := uniquePack(t, "a.yaml", "a", "r1", "r2")
	f("", a)
	f("", a, uniquePack(t, "b.yaml", "b", "r3"))
	f(`
b.yaml:5:10: rules[1].id: the id "r1" is taken by the pack "a" in a.yaml:4, and ids are unique over all packs loaded; rename one
c.yaml:4:10: rules[0].id: the id "r3" is taken by the pack "b" in b.yaml:4, and ids are unique over all packs loaded; rename one
`, a, uniquePack(t, "b.yaml", "b", "r3", "r1"), uniquePack(t, "c.yaml", "c", "r3"))
	f(`
b.yaml:1:7: pack: the name "a" is taken by the pack in a.yaml:1; rename one
b.yaml:4:10: rules[0].id: the id "r2" is taken by the pack "a" in a.yaml:4, and ids are unique over all packs loaded; rename one
`, uniquePack(t, "a.yaml", "a", "r2"), uniquePack(t, "b.yaml", "a", "r2", "r3"))
	f(`
copy.yaml:1:7: pack: the pack "a" is loaded twice, first from a.yaml; name it once
`, a, uniquePack(t, "copy.yaml", "a", "r1", "r2"))
}
