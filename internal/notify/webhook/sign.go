package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Secret is the keys that a receiver shares, the newest first. With several, one can be replaced without a gap.
type Secret [][]byte

const (
	secretPrefix = "whsec_"
	// What the standard says of a key's length, bytes.
	keyLeast, keyMost = 24, 64
)

// ParseSecret reads keys, a line each: whsec_ and base64.
func ParseSecret(text string) (Secret, error) {
	var s Secret
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		encoded, ok := strings.CutPrefix(line, secretPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case !ok || err != nil:
			return nil, errors.New("a line is not " + secretPrefix + " and base64; make one with: echo whsec_$(openssl rand -base64 32)")
		case len(key) < keyLeast || len(key) > keyMost:
			return nil, fmt.Errorf("a key has %d bytes; the standard wants %d to %d: make one with: echo whsec_$(openssl rand -base64 32)", len(key), keyLeast, keyMost)
		}
		s = append(s, key)
	}
	if s == nil {
		return nil, errors.New("it holds no key; make one with: echo whsec_$(openssl rand -base64 32)")
	}
	return s, nil
}

// sign is the header of a message: a signature by each key.
func (s Secret) sign(id, at string, body []byte) string {
	var list []string
	for _, key := range s {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(id + "." + at + "."))
		h.Write(body)
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	return strings.Join(list, " ")
}

// headerText is an attribute of a CloudEvent as a header of HTTP holds it. The attribute has its control characters and percent
// signs encoded already. Here blanks and what is not ASCII follow, as CloudEvents says of HTTP: receivers do not agree on what
// bytes beyond ASCII in a header are, and the signature is over this text.
func headerText(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, octet := range []byte(s) {
		if octet > ' ' && octet < 0x7f && octet != '"' {
			b.WriteByte(octet)
			continue
		}
		b.Write([]byte{'%', hex[octet>>4], hex[octet&15]})
	}
	return b.String()
}
