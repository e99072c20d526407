package thresholds

import (
	"cmp"
	"fmt"
	"slices"
)

// Fault is something wrong in a pack, where it is, and what to do about it.
type Fault struct {
	File    string
	Line    int    // from 1
	Column  int    // from 1, in characters
	Path    string // from the top of the file, as rules[0].limits.clicks; "": the file itself
	Message string // what is wrong, and the remedy
	Warning bool   // the pack can be used as it is
}

// String is the fault as one line: "file:line:column: path: message". A warning
// says so before its message.
func (f Fault) String() string {
	at := fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column)
	if f.Path != "" {
		at += f.Path + ": "
	}
	if f.Warning {
		at += "warning: "
	}
	return at + f.Message
}

// maxFaults bounds what is reported of one file, once for faults and once for
// warnings. Nobody reads more, and a file of 1 MiB could hold 500,000.
const maxFaults = 1_000

// faults collects what is wrong in one file.
type faults struct {
	file   string
	list   []Fault
	seen   map[Fault]bool // without Path: what an alias is used for twice is wrong once
	counts [2]int         // faults, warnings
}

func newFaults(file string) *faults {
	return &faults{file: file, seen: map[Fault]bool{}}
}

// add notes a fault, once for a place of the file and a message.
func (fs *faults) add(f Fault) {
	f.File, f.Line, f.Column = fs.file, max(f.Line, 1), max(f.Column, 1)
	key := f
	key.Path = ""
	kind := 0
	if f.Warning {
		kind = 1
	}
	if fs.seen[key] {
		return
	}
	fs.seen[key] = true
	fs.counts[kind]++
	if fs.counts[kind] <= maxFaults {
		fs.list = append(fs.list, f)
	}
}

// failed says whether anything but warnings was noted.
func (fs *faults) failed() bool { return fs.counts[0] > 0 }

// full says whether more faults would only be counted.
func (fs *faults) full() bool { return fs.counts[0] > maxFaults }

// sorted is all that was noted, by line and column.
func (fs *faults) sorted() []Fault {
	sortFaults(fs.list)
	if fs.full() {
		last := fs.list[len(fs.list)-1]
		fs.list = append(fs.list, Fault{
			File: fs.file, Line: last.Line, Column: last.Column,
			Message: fmt.Sprintf("there are more than the %d faults shown; mend these first", maxFaults),
		})
	}
	return fs.list
}

// sortFaults sorts by file, line, column; what is at one place stays in the
// order in which it was found.
func sortFaults(list []Fault) {
	slices.SortStableFunc(list, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
