package redis

import "testing"

// openRedis ends with the test.
func openRedis(t testing.TB, o Options) *Store {
	t.Helper()
	r, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}
