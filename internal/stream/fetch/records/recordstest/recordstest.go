// Package recordstest has what tests of package records and of fetch share. It imports neither, so that tests within both may use it.
package recordstest

import (
	"fmt"
	"testing"
)

// Event is an event of about 200 bytes of JSON, the i-th of a batch, with an id made of a number.
func Event(number uint64, i int) []byte {
	return fmt.Appendf(nil, `{"id":"%016x","time":"2026-11-22T10:%02d:%02d.%03dZ","type":"click","incident":"inc-%d","account":"acc-%06d","content":"c-%d","media":"video","count":1,"group":"g-%05d","members":%d}`,
		number*0x9e3779b97f4a7c15, i/60%60, i%60, i%1000, i*7919%1000, i*104729%200000, i%5000, i*31%100000, i%500)
}

// Show is a key or a value as text; a nil one is Kafka's null.
func Show(b []byte) string {
	if b == nil {
		return "null"
	}
	return string(b)
}

// Equal compares two values by their text.
func Equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
