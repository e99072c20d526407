package event

import (
	"fmt"
	"testing"
)

// plainTextByLoop is what plainText does, byte by byte.
func plainTextByLoop(b []byte, i int) int {
	for i < len(b) && isPlain(b[i]) {
		i++
	}
	return i
}

// TestPlainText puts every byte, followed by every other, at every place of a
// word.
func TestPlainText(t *testing.T) {
	b := make([]byte, 20)
	for c := range 256 {
		for next := range 256 {
			for at := range 16 {
				for i := range b {
					b[i] = 'a'
				}
				b[at], b[at+1] = byte(c), byte(next)
				if got, want := plainText(b, 2), plainTextByLoop(b, 2); got != want {
					t.Fatalf("%q: got %d, want %d", b, got, want)
				}
			}
		}
	}
}

func BenchmarkPlainText(b *testing.B) {
	run := func(name string, length int, scan func([]byte, int) int) {
		b.Run(fmt.Sprintf("%s/%d", name, length), func(b *testing.B) {
			text := make([]byte, length+40)
			for i := range text {
				text[i] = 'a'
			}
			text[length] = '"'
			for b.Loop() {
				if scan(text, 0) != length {
					b.Fatal("wrong end")
				}
			}
		})
	}
	for _, length := range []int{5, 14, 26, 200} {
		run("words", length, plainText)
		run("bytes", length, plainTextByLoop)
	}
}
