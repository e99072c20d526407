package records

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

var codecNames = map[int16]string{codecNone: "none", codecGzip: "gzip", codecSnappy: "snappy", codecLZ4: "lz4", codecZstd: "zstd"}

// text makes n bytes that compress about as JSON does.
func text(n int) []byte {
	words := []string{`{"id":"`, `","type":"click"`, `,"incident":"inc-`, `","account":"acc-`, "1", "7", "42", `"}`}
	r := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for len(b) < n {
		b = append(b, words[r.IntN(len(words))]...)
	}
	return b[:n]
}

func TestDecode(t *testing.T) {
	d := NewDecoder()
	f := func(what string, codec int16, src, want []byte) {
		t.Helper()
		for range 2 { // the second time into a buffer that is there
			got, err := inflate(d, codec, src)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %d bytes in pieces of %d: %d bytes, error %v", what, len(want), d.piece, len(got), err)
			}
		}
		if cap(d.buf) > 3*d.piece+(4<<20) { // what a block refers to, the piece, and a block beyond
			t.Errorf("%s, %d bytes in pieces of %d: a buffer of %d bytes", what, len(want), d.piece, cap(d.buf))
		}
	}
	for _, d.piece = range []int{usual.piece, 300_000, 70_000} {
		for _, n := range []int{0, 1, 100, 5000, 200_000, 1 << 20} {
			want := text(n)
			for codec, name := range codecNames {
				f(name, codec, squeeze(codec, want), want)
			}
			f("xerial", codecSnappy, xerial(want, 32<<10), want)
			f("xerial in one block", codecSnappy, xerial(want, 1<<20), want)
		}
	}
	d.piece = usual.piece
	zeros := make([]byte, 21<<20)
	for codec, name := range codecNames {
		f(name+" of zeros", codec, squeeze(codec, zeros), zeros)
	}
	f("none", codecSnappy, squeeze(codecSnappy, nil), nil)
	if cap(d.buf) > keepDecoded {
		t.Errorf("a buffer of %d bytes was kept", cap(d.buf))
	}
}

// TestDecodeMembers reads several of what a codec makes, one after the other. Some are empty.
func TestDecodeMembers(t *testing.T) {
	a, b := text(100_000), make([]byte, 6<<20)
	want := slices.Concat(a, b, a)
	for _, codec := range []int16{codecGzip, codecLZ4, codecZstd} {
		src := slices.Concat(squeeze(codec, nil), squeeze(codec, a), squeeze(codec, b), squeeze(codec, nil), squeeze(codec, a))
		got, err := inflate(NewDecoder(), codec, src)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, error %v", codecNames[codec], len(got), err)
		}
	}
	wide, err := zstd.NewWriter(nil, zstd.WithWindowSize(widestWindow), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	src := slices.Concat(squeeze(codecZstd, b), wide.EncodeAll(a, nil), wide.EncodeAll(b, nil))
	got, err := inflate(NewDecoder(), codecZstd, src)
	if err != nil || !bytes.Equal(got, slices.Concat(b, a, b)) {
		t.Errorf("zstd, wide ones after: %d bytes, error %v", len(got), err)
	}
	free(t)
}

// TestDecodeLZ4 runs the frames' options that clients use.
func TestDecodeLZ4(t *testing.T) {
	noise := make([]byte, 200_000)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(r.Uint32())
	}
	f := func(what string, want []byte, options ...lz4.Option) {
		t.Helper()
		var out bytes.Buffer
		w := lz4.NewWriter(&out)
		if err := w.Apply(options...); err != nil {
			t.Fatal(err)
		}
		write(w, want)
		for _, src := range [][]byte{out.Bytes(), bytes.Repeat(out.Bytes(), 2)} {
			frames := len(src) / out.Len()
			got, err := inflate(NewDecoder(), codecLZ4, src)
			if err != nil || !bytes.Equal(got, bytes.Repeat(want, frames)) {
				t.Errorf("%s, %d frames: %d bytes, error %v", what, frames, len(got), err)
			}
		}
	}
	f("as Java", text(200_000), lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false))
	f("all checksums", text(200_000), lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true), lz4.ChecksumOption(true))
	f("size", text(200_000), lz4.SizeOption(200_000))
	f("stored", noise, lz4.BlockSizeOption(lz4.Block64Kb))
	f("stored, checksums", noise, lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true))
}

// TestDecodeLZ4Linked reads a frame of blocks that refer to the ones before, as
// python's lz4.frame makes them; no Go package does.
func TestDecodeLZ4Linked(t *testing.T) {
	const linked = 1 << 6
	frame := binary.LittleEndian.AppendUint32(nil, lz4Magic)
	frame = append(frame, linked, 4<<4, 0)
	block := func(stored uint32, b ...byte) {
		frame = binary.LittleEndian.AppendUint32(frame, uint32(len(b))|stored)
		frame = append(frame, b...)
	}
	block(lz4Stored, []byte("0123456789abcdef")...)
	block(0, 0x04, 16, 0, 0x50, 'v', 'w', 'x', 'y', 'z')      // 8 bytes from 16 back, 5 literals
	block(0, 0x14, '-', 14, 0, 0x50, 'V', 'W', 'X', 'Y', 'Z') // a literal, 8 bytes from 14 back, 5 literals
	frame = append(frame, 0, 0, 0, 0)
	want := "0123456789abcdef" + "01234567vwxyz" + "-" + "01234567" + "VWXYZ"
	got, err := inflate(NewDecoder(), codecLZ4, frame)
	if string(got) != want || err != nil {
		t.Errorf("linked blocks: %q, error %v", got, err)
	}
	frame[4] |= lz4Independent
	if got, err := inflate(NewDecoder(), codecLZ4, frame); err == nil {
		t.Errorf("blocks that refer to others though they say they do not: %q", got)
	}
}

// TestDecodeLimit gives each codec a bomb: it is decompressed up to a limit, in little memory.
func TestDecodeLimit(t *testing.T) {
	const limit = 8 << 20
	fits, bomb := make([]byte, limit), make([]byte, 2*limit)
	f := func(what string, codec int16, make func([]byte) []byte) {
		t.Helper()
		d := NewDecoder()
		d.batch = limit
		if got, err := inflate(d, codec, make(fits)); err != nil || len(got) != limit {
			t.Errorf("%s at the limit: %d bytes, error %v", what, len(got), err)
		}
		if got, err := inflate(d, codec, make(bomb)); !errors.Is(err, errInflated) || len(got) != limit {
			t.Errorf("%s above the limit: %d bytes, error %v", what, len(got), err)
		}
		if cap(d.buf) > 3*d.piece {
			t.Errorf("%s: a buffer of %d bytes", what, cap(d.buf))
		}
	}
	for _, codec := range []int16{codecGzip, codecSnappy, codecLZ4, codecZstd} {
		f(codecNames[codec], codec, func(b []byte) []byte { return squeeze(codec, b) })
	}
	f("xerial", codecSnappy, func(b []byte) []byte { return xerial(b, 32<<10) })
}

// TestDecodeBad cuts and flips compressed bytes: an error or some bytes, no panic.
func TestDecodeBad(t *testing.T) {
	d := NewDecoder()
	d.batch = 1 << 20
	for codec, name := range codecNames {
		if codec == codecNone {
			continue
		}
		src := squeeze(codec, text(2000))
		for n := range len(src) - 1 {
			if _, err := inflate(d, codec, src[:n:n]); err == nil && n > 0 && codec != codecLZ4 {
				t.Errorf("%s cut at %d of %d: no error", name, n, len(src))
			}
		}
		for i := range len(src) * 8 {
			src[i/8] ^= 1 << (i % 8)
			_, _ = inflate(d, codec, src) // either is right
			src[i/8] ^= 1 << (i % 8)
		}
	}
	x := xerial(text(2000), 500)
	for n := range x {
		_, _ = inflate(d, codecSnappy, x[:n:n])
	}
	if _, err := inflate(d, 5, nil); err == nil {
		t.Error("codec 5: no error")
	}
}

// TestSnappyFar reads blocks of snappy that refer further back than most writers do, as franz-go's
// may. Several are read at once, and there is no room for all together. One batch loses its room
// and goes on later.
func TestSnappyFar(t *testing.T) {
	noise := make([]byte, 40_000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var want []byte
	for range 9 {
		want = append(append(want, noise...), make([]byte, 5<<20)...)
	}
	want = append(want, "the end"...)
	src := squeeze(codecSnappy, want)
	if n := snappyNeeds(src); n <= snappyReach || n > len(want) {
		t.Fatalf("refers %d bytes back", n)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			if got, err := inflate(NewDecoder(), codecSnappy, src); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %d, error %v", len(got), len(want), err)
			}
		})
	}
	readers.Wait()
	d := NewDecoder()
	rest, err := d.open(codecSnappy, src)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for err == nil {
		free(t) // whatever it had
		rest, err = d.more(t.Context(), rest[:0], 1)
		got = append(got, rest...)
	}
	if !errors.Is(err, io.EOF) || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, error %v", len(got), len(want), err)
	}
	if damaged, err := inflate(NewDecoder(), codecSnappy, src[:len(src)-9]); err == nil || len(damaged) < snappyReach || !bytes.HasPrefix(want, damaged) {
		t.Errorf("of a damaged one %d bytes, error %v", len(damaged), err)
	}
	free(t)
}
