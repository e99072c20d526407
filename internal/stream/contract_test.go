package stream

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
)

// TestCrossingsBefore: crossings that an earlier version published are what the schema of today says: nothing that it requires
// came later, and nothing that they have has gone.
func TestCrossingsBefore(t *testing.T) {
	text, err := os.ReadFile("testdata/stored/kept-crossings.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		_, value, ok := strings.Cut(strings.TrimSpace(line), ` content-type="application/json" `)
		if !ok {
			t.Fatalf("no record in %s", line)
		}
		apitest.Crossing.Check(t, []byte(value))
		n++
	}
	if n < 9 {
		t.Errorf("%d crossings", n)
	}
}
