package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
)

// Fault is something wrong in a file, where it is, and what to do about it.
type Fault struct {
	File    string
	Line    int    // from 1
	Column  int    // from 1, in characters
	Path    string // from the top of the file, as rules[0].limits.clicks; "": the file itself
	Message string // what is wrong, and the remedy
	Warning bool   // the file can be used as it is
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

// faults collects what is wrong in one file.
type faults struct {
	file   string
	list   []Fault
	seen   map[Fault]bool
	counts [2]int // faults, warnings
}

// Add notes a fault, once.
func (fs *faults) Add(f Fault) { fs.add(f, f.Path) }

// add notes a fault, once for a place of the file, a message and a path.
func (fs *faults) add(f Fault, path string) {
	f.File, f.Line, f.Column = fs.file, max(f.Line, 1), max(f.Column, 1)
	key := f
	key.Path = path
	if fs.seen[key] {
		return
	}
	if fs.seen == nil {
		fs.seen = map[Fault]bool{}
	}
	fs.seen[key] = true
	kind := 0
	if f.Warning {
		kind = 1
	}
	fs.counts[kind]++
	if fs.counts[kind] <= maxFaults {
		fs.list = append(fs.list, f)
	}
}

// Failed reports whether anything except warnings was noted.
func (fs *faults) Failed() bool { return fs.counts[0] > 0 }

// Failures is how many faults were noted, warnings not counted.
func (fs *faults) Failures() int { return fs.counts[0] }

// full reports whether more faults would only be counted.
func (fs *faults) full() bool { return fs.counts[0] > maxFaults }

// Sorted is all that was noted, by line and column.
func (fs *faults) Sorted() []Fault {
	Sort(fs.list)
	if fs.full() {
		last := fs.list[len(fs.list)-1]
		return append(fs.list, Fault{
			File: fs.file, Line: last.Line, Column: last.Column,
			Message: fmt.Sprintf("there are more than the %d faults shown; mend these first", maxFaults),
		})
	}
	return fs.list
}

// Sort sorts by file, line, column; what is at one place stays in the order in
// which it was found.
func Sort(list []Fault) {
	slices.SortStableFunc(list, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
