package thresholds

import "slices"

// Kind is a kind of subject. The order is the one in which the crossings of
// one event are announced.
type Kind uint8

// The kinds of subject.
const (
	Incident Kind = iota
	Account
	Content
	Group
	NumKinds // how many kinds packs may name

	// Canary is the kind under which canary events are counted: subjects of their own, that no event of a producer reaches. No pack
	// may name it.
	Canary   = NumKinds
	AllKinds = NumKinds + 1 // how many kinds are kept
)

var kindNames = [AllKinds]string{"incident", "account", "content", "group", "canary"}

// packKinds are the names that a pack may use.
var packKinds = kindNames[:NumKinds]

// String is the kind's name in packs, keys and records.
func (k Kind) String() string { return kindNames[k] }

// ParseKind is the kind of a name; false if it is none.
func ParseKind(name string) (Kind, bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i >= 0
}

// Combine says how the measures of a rule make one progress.
type Combine uint8

// The ways to combine.
const (
	Any     Combine = iota // the largest value/limit
	All                    // the smallest
	AtLeast                // the K-th largest
	Ratio                  // the sum
)

// Rule is measures with limits over a sliding window, for one kind of subject.
type Rule struct {
	ID, Title, Cite string
	Pack            *Pack
	By              Kind
	Window          int64   // seconds; 0: all, since the subject's first event
	WindowText      string  // the window as the pack writes it: "730d", "all"
	Step            int64   // seconds; divides Window; 0 with Window 0
	Limits          []Limit // in the pack's order
	Combine         Combine
	K               int     // of AtLeast
	Levels          []Level // rising
	Clear           Level   // under this progress it re-arms; 0: never
	Shadow          bool    // what it announces is no crossing for anybody who is to act; default false

	ratio ratio

	line, column int // of its id in Pack.File
	// While reading: levels, or clear, were faulty. What rests on them is not looked at.
	levelsUnread, clearUnread bool
}

// Pack is a file of rules.
type Pack struct {
	Name     string
	Hash     string // SHA-256 of the file's bytes, in hexadecimal
	File     string
	Text     []byte // the file's bytes
	Measures []*Measure
	Rules    []*Rule
	Tests    []Test

	line, column int // of its name in File
}

// Line is where the rule's id stands in its pack's text, from 1.
func (r *Rule) Line() int { return r.line }

// Mark is the text under which it is kept what the rule announced for a subject. What it announced in shadow and what it announced live
// are kept apart: a rule that is made live announces all anew. No rule's id has the slash.
func (r *Rule) Mark() string {
	if r.Shadow {
		return "shadow/" + r.ID
	}
	return r.ID
}

// State is what was announced of a rule for a subject.
type State struct {
	Level   Level  // the highest level announced in this episode; 0: none
	Episode uint64 // 1 at first, one more after each clear
}

// Cap is the most keys that this rule wants kept of its i-th limit's measure, if that counts
// distinct keys. It is ten times what the highest level asks, and at most maxMembers: keys may then
// leave the window without the count becoming inexact.
func (r *Rule) Cap(i, maxMembers int) int {
	keys := asks(r.Limits[i].Value, 10*slices.Max(r.Levels))
	return int(min(keys, uint64(maxMembers)))
}
