package store_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store/storetest"
)

func TestContract(t *testing.T) {
	for _, c := range storetest.Contract {
		t.Run(c.Name, func(t *testing.T) { c.Test(t, store.NewMem(16)) })
	}
}

func TestMemScan(t *testing.T) {
	s := store.NewMem(8)
	d := storetest.NewDesk(t, s, 3)
	d.Put("a*[b]?\\1", "", "a*[b]?\\2", "", "a*[b]?\\", "", "aXb?\\1", "", "axxbx\\1", "", "b", "")
	for i := range 3000 {
		d.Put(fmt.Sprint("many", i), "")
	}
	storetest.NewDesk(t, s, 4).Put("many0", "", "other", "")
	scan := func(prefix string) []string {
		var got []string
		err := s.Scan(t.Context(), 3, d.Key(prefix), func(key []byte) bool {
			got = append(got, string(bytes.TrimPrefix(key, d.Key(""))))
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		return slices.Compact(got)
	}
	f := func(prefix string, want ...string) {
		t.Helper()
		if got := scan(prefix); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", prefix, got, want)
		}
	}
	f("a*[b]?\\", "a*[b]?\\", "a*[b]?\\1", "a*[b]?\\2")
	f("aX", "aXb?\\1")
	f("other")
	f("no")
	if got := scan("many"); len(got) != 3000 {
		t.Errorf("%d of 3,000 keys", len(got))
	}
	calls := 0
	err := s.Scan(t.Context(), 3, d.Key("many"), func([]byte) bool { calls++; return calls < 7 })
	if err != nil || calls != 7 {
		t.Errorf("%d calls, error %v", calls, err)
	}
	err = s.Scan(t.Context(), 3, d.Key("b"), func(key []byte) bool { // the store can be used meanwhile
		return s.Put(t.Context(), 3, key, []byte("seen")) == nil
	})
	if err != nil {
		t.Error(err)
	}
	d.Holds("b", "seen")
}
