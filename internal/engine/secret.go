package engine

import (
	"encoding/binary"
	"fmt"
)

// NewSecret makes a fingerprint key of 16 bytes.
func NewSecret(b []byte) (Secret, error) {
	if len(b) != 16 {
		return Secret{}, fmt.Errorf("a fingerprint key has 16 bytes, not %d", len(b))
	}
	return Secret{K0: binary.LittleEndian.Uint64(b), K1: binary.LittleEndian.Uint64(b[8:])}, nil
}

// Bytes are the 16 bytes that NewSecret takes.
func (s Secret) Bytes() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, s.K0), s.K1)
}

// Secret is the key of all fingerprints, 128 bits.
type Secret struct{ K0, K1 uint64 }
