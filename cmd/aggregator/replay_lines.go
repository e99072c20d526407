package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/seed-afe14ff2/aggregator/internal/event"
)

// lineReader reads lines of bounded length. It gives the beginning of a longer line. That is too
// large for an event all the same, and is refused like any other line that is too large.
type lineReader struct {
	r      *bufio.Reader
	number int   // of the line given last, from 1
	read   int64 // bytes taken so far
}

// longestLine is an event of the largest size, a carriage return, a line feed and a byte too many.
const longestLine = event.MaxSize + 3

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, longestLine)}
}

// waits reports whether next may have to wait for input.
func (l *lineReader) waits() bool { return l.r.Buffered() == 0 }

// next is the next line without its end, which is a line feed, or a carriage return and a line
// feed. It is nil for a line of JSON's white space. It is valid until the next call. The error is
// io.EOF at the end.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	l.read += int64(len(line))
	if len(line) == 0 && err != nil {
		return nil, err
	}
	l.number++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		line = bytes.Clone(line)
		err = l.skip()
		return line, err
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(bytes.Trim(line, " \t\r\n")) == 0 {
		return nil, nil
	}
	if whole, ended := bytes.CutSuffix(line, []byte("\n")); ended {
		line = bytes.TrimSuffix(whole, []byte("\r"))
	}
	return line, nil
}

// skip reads to the line's end.
func (l *lineReader) skip() error {
	for {
		rest, err := l.r.ReadSlice('\n')
		l.read += int64(len(rest))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil, errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}
