package event

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at in one word (SWAR). BenchmarkPlainText compares
// with a loop over bytes.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// plainText returns the index, from i on, of the first byte that is not plain text in a JSON
// string. That is a quote, a backslash, a control character, or a byte outside ASCII. It is len(b)
// if there is none.
func plainText(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if odd := oddBytes(binary.LittleEndian.Uint64(b[i:])); odd != 0 {
			return i + bits.TrailingZeros64(odd)/8
		}
	}
	for i < len(b) && isPlain(b[i]) {
		i++
	}
	return i
}

// oddBytes sets the high bit of each byte of w that is not plain text. Above
// the lowest such byte it may set others too: a subtraction borrows from the
// next byte, but only where the byte itself was odd.
func oddBytes(w uint64) uint64 {
	quote := w ^ lowBits*'"'
	slash := w ^ lowBits*'\\'
	odd := (quote-lowBits)&^quote | (slash-lowBits)&^slash | (w-lowBits*' ')&^w | w
	return odd & highBits
}

func isPlain(c byte) bool {
	return c >= ' ' && c < 0x80 && c != '"' && c != '\\'
}
