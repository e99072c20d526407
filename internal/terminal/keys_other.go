//go:build !unix

package terminal

import "io"

// ReadKeys knows no terminals.
func ReadKeys(io.Reader) (read func() []byte, restore func(), ok bool) { return nil, nil, false }
