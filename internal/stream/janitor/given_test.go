package janitor

import "testing"

// TestGiven: shards that the process was given are scanned soon, once, also where a record cannot be read.
func TestGiven(t *testing.T) {
	r := newClicksRig(t)
	r.Clicks(3)
	r.twoShards("A")
	owned := map[int]bool{0: true}
	r.options.Owned = func(shard int) bool { return owned[shard] }
	f := func(want bool) {
		t.Helper()
		if got := r.janitor.scan.given(); got != want {
			t.Errorf("of %v, seen %v: %v", owned, r.janitor.scan.seen, got)
		}
	}
	f(true)
	r.scan()
	f(false)
	owned[1] = true
	f(true)
	r.janitor.ScanTurn(t.Context())
	f(false)
	owned[0] = false
	f(false)
	owned[0] = true
	f(true)
	if err := r.Store.Put(t.Context(), 0, r.Store.Keys().AppendRecordKey(nil, 0, "incident", []byte("B")), []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	r.janitor.ScanTurn(t.Context())
	f(false)
}
