package terminal

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Sequences that every terminal of the last decades knows (ECMA-48, and xterm's alternate screen).
const (
	enter     = "\x1b[?1049h\x1b[?25l"
	leave     = "\x1b[?25h\x1b[?1049l"
	home      = "\x1b[H"
	restOfRow = "\x1b[K"
	restBelow = "\x1b[J"
)

// Screen is a terminal on which a picture is drawn over and over in place. What was there before comes back in the end.
type Screen struct {
	out     io.Writer
	read    func() []byte // nil: no keys
	restore func()
}

// OpenScreen takes the terminal out, and the keys of in if it is a terminal, too.
func OpenScreen(in io.Reader, out io.Writer) *Screen {
	s := &Screen{out: out}
	if read, restore, ok := ReadKeys(in); ok {
		s.read, s.restore = read, restore
	}
	fmt.Fprint(out, enter)
	return s
}

// HasKeys reports whether keys are read.
func (s *Screen) HasKeys() bool { return s.read != nil }

// Pressed reports whether one of some keys was pressed since. What else was pressed is forgotten.
func (s *Screen) Pressed(keys string) bool { return s.read != nil && bytes.ContainsAny(s.read(), keys) }

// Size is how many columns and rows there are now.
func (s *Screen) Size() (columns, rows int) { return Size(s.out) }

// Draw shows some lines, none of which is wider than the terminal, nor are there more than it has rows.
func (s *Screen) Draw(lines []string) error {
	_, err := io.WriteString(s.out, home+strings.Join(lines, restOfRow+"\r\n")+restOfRow+restBelow)
	return err
}

// Close leaves the terminal as it was.
func (s *Screen) Close() {
	fmt.Fprint(s.out, leave)
	if s.restore != nil {
		s.restore()
	}
}
