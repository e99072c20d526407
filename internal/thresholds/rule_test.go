package thresholds

import "testing"

func TestParseKind(t *testing.T) {
	for k := range NumKinds {
		if got, ok := ParseKind(k.String()); got != k || !ok {
			t.Errorf("%v is read as %v, %v", k, got, ok)
		}
	}
	for _, name := range []string{"", "Incident", "incidents"} {
		if k, ok := ParseKind(name); k != 0 || ok {
			t.Errorf("%q is read as %v, %v", name, k, ok)
		}
	}
}
