package records

import (
	"bytes"
	"context"
	"slices"

	"github.com/klauspost/compress/gzip"
)

// gunzip is a batch in gzip, of one member or several.
type gunzip struct {
	in    bytes.Reader
	out   *gzip.Reader
	begun bool
}

func (z *gunzip) open(src []byte) {
	z.in.Reset(src)
	z.begun = false
}

func (z *gunzip) reach() int { return 0 }
func (z *gunzip) close()     { z.in.Reset(nil) }

func (z *gunzip) more(_ context.Context, dst []byte, most int) ([]byte, error) {
	if !z.begun {
		if err := z.begin(); err != nil {
			return dst, err
		}
		z.begun = true
	}
	first := max(4*int(z.in.Size()), 1024)
	for end := len(dst) + most; len(dst) < end; {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, min(first, end-len(dst)))
		}
		n, err := z.out.Read(dst[len(dst):min(cap(dst), end)])
		dst = dst[:len(dst)+n]
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (z *gunzip) begin() (err error) {
	if z.out == nil {
		z.out, err = gzip.NewReader(&z.in)
		return err
	}
	return z.out.Reset(&z.in)
}
