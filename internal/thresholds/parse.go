package thresholds

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// Options are what a pack is checked against.
type Options struct {
	MaxMembers int // the most keys a distinct counter keeps; 0: DefaultMaxMembers
}

// Parse reads a pack, a YAML file of at most 1 MiB. It returns all faults of the file at once,
// sorted by line and column. The pack is nil if any of them is not a warning. file is the name that
// faults and the pack give; nothing is opened.
func Parse(file string, data []byte, opt Options) (*Pack, []strictyaml.Fault) {
	if opt.MaxMembers <= 0 {
		opt.MaxMembers = DefaultMaxMembers
	}
	r := &packReader{reader: &reader{strictyaml.NewReader(file, "a pack")}, maxMembers: uint64(opt.MaxMembers)}
	p := &Pack{File: file, Hash: hashOf(data), Text: data}
	if root, ok := r.Document(data); ok {
		r.read(root, p)
	}
	found := r.Sorted()
	if r.Failed() {
		return nil, found
	}
	return p, found
}

// hashOf is the SHA-256 of a file, in hexadecimal.
func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// packReader walks one file.
type packReader struct {
	*reader
	maxMembers uint64
}

// read fills p in from the top of the file.
func (r *packReader) read(root strictyaml.Place, p *Pack) {
	if root.Type == strictyaml.Null {
		r.Add(strictyaml.Fault{Message: "the file is empty; a pack has at least pack, measures and rules"})
		return
	}
	f, ok := r.Fields(root, "a mapping with pack, measures and rules", "pack", "measures", "rules", "tests")
	if !ok {
		return
	}
	if at, ok := r.Need(f, "pack", "name the pack, as pack: example"); ok {
		p.Name, _ = r.text(at, "the name of the pack", maxName)
		p.line, p.column = at.Line, at.Column
		if data, taken := Builtin(p.Name); taken && hashOf(data) != p.Hash {
			r.Warn(at, "%s is the name of a built-in pack, and this is another one; give yours a name of its own", strictyaml.Quote(p.Name))
		}
	}
	ms := readMeasures(r.reader, f)
	p.Measures = ms.list
	rules := &ruleReader{reader: r.reader, measures: ms, maxMembers: r.maxMembers}
	if at, ok := r.Need(f, "rules", "without rules a pack announces nothing"); ok {
		rules.read(at, p)
	} else {
		rules.unread = true
	}
	ms.warnUnused()
	if at, ok := f.Get("tests"); ok {
		t := &testReader{r.reader, rulesOf(p, rules.unread)}
		t.read(at, p)
	}
}
