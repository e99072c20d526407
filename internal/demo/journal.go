package demo

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
)

// journal is the records of one incident, in the order of the log, compressed: some 25 bytes each.
type journal struct {
	blocks [][]byte // compressed
	open   []byte   // of the last block, as they are
}

// blockBytes is how much is compressed at once.
const blockBytes = 64 << 10

// add adds a record.
func (j *journal) add(partition int, ms int64, value []byte) {
	j.open = binary.AppendUvarint(j.open, uint64(partition))
	j.open = binary.AppendVarint(j.open, ms)
	j.open = binary.AppendUvarint(j.open, uint64(len(value)))
	j.open = append(j.open, value...)
	if len(j.open) >= blockBytes {
		j.blocks = append(j.blocks, deflate(j.open))
		j.open = j.open[:0]
	}
}

// bytes is how much memory the journal takes.
func (j *journal) bytes() int {
	n := cap(j.open)
	for _, b := range j.blocks {
		n += len(b)
	}
	return n
}

// each calls f with every record. The value is valid during the call only.
func (j *journal) each(f func(partition int, ms int64, value []byte)) error {
	for _, b := range j.blocks {
		text, err := io.ReadAll(flate.NewReader(bytes.NewReader(b)))
		if err != nil {
			return fmt.Errorf("read what was kept of the log: %w", err)
		}
		eachOf(text, f)
	}
	eachOf(j.open, f)
	return nil
}

func eachOf(text []byte, f func(partition int, ms int64, value []byte)) {
	for len(text) > 0 {
		partition, n := binary.Uvarint(text)
		text = text[n:]
		ms, n := binary.Varint(text)
		text = text[n:]
		length, n := binary.Uvarint(text)
		text = text[n:]
		f(int(partition), ms, text[:length])
		text = text[length:]
	}
}

func deflate(text []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("BUG: memory refuses to be written: " + err.Error())
	}
	return b.Bytes()
}
