package engine

import (
	"slices"
	"testing"
)

func TestMerge(t *testing.T) {
	f := func(x, y, want []int) {
		t.Helper()
		if got := merge([]int{9}, x, y); !slices.Equal(got, append([]int{9}, want...)) {
			t.Errorf("%v and %v: got %v, want %v", x, y, got, want)
		}
	}
	f(nil, nil, nil)
	f([]int{1}, nil, []int{1})
	f(nil, []int{2}, []int{2})
	f([]int{1, 3}, []int{1, 3}, []int{1, 3})
	f([]int{1, 4}, []int{2, 3, 5}, []int{1, 2, 3, 4, 5})
	f([]int{2, 3}, []int{0, 3, 7}, []int{0, 2, 3, 7})
}
