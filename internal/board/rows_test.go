package board

import (
	"net/http/httptest"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
)

// TestBounded: a bound of 0 is one, and none is none.
func TestBounded(t *testing.T) {
	program := enginetest.Compile(t, packText)
	f := func(query string) *uint64 {
		t.Helper()
		q, err := parseQuery(httptest.NewRequest("GET", "/api/v1/subjects?"+query, nil), []string{"max_progress"})
		if err != nil {
			t.Fatal(err)
		}
		filter, err := q.rowFilter(program)
		if err != nil {
			t.Fatal(err)
		}
		return filter.Most
	}
	if most := f(""); most != nil {
		t.Errorf("without a bound at most %d", *most)
	}
	if most := f("max_progress=0"); most == nil || *most != 0 {
		t.Errorf("with 0: %v", most)
	}
}
