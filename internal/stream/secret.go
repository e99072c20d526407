package stream

import (
	"encoding/binary"
	"fmt"
)

// NewSecret makes a fingerprint key of 16 bytes.
func NewSecret(b []byte) (Secret, error) {
	if len(b) != 16 {
		return Secret{}, fmt.Errorf("a fingerprint key has 16 bytes, not %d", len(b))
	}
	return Secret{k0: binary.LittleEndian.Uint64(b), k1: binary.LittleEndian.Uint64(b[8:])}, nil
}

func (s Secret) bytes() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, s.k0), s.k1)
}

// Secret is the key of all fingerprints, 128 bits.
type Secret struct{ k0, k1 uint64 }
