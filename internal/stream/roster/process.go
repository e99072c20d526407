package roster

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Process is what a process tells the others of itself.
type Process struct {
	Name    string    `json:"-"` // random, and part of its key
	Host    string    `json:"host"`
	PID     int       `json:"pid"`     // on that host; 0 of a version that does not say
	Client  string    `json:"client"`  // kafka.client_id
	Version string    `json:"version"` // of the program
	Started time.Time `json:"started"` // by its clock, as Written
	Written time.Time `json:"time"`
	Packs   []Pack    `json:"packs"`
	Rates   *Rates    `json:"rates,omitempty"` // nil: a version that does not tell
	// Unannounced is how many subjects are at a level that was not announced, by rule, of the shards that it looks after.
	Unannounced map[string]int `json:"unannounced"` // nil: not scanned yet by its rules, or a version that does not tell
}

// Pack is a pack that a process has loaded.
type Pack struct {
	Name string `json:"pack"`
	Hash string `json:"hash"` // SHA-256 of the file, in hexadecimal
}

// Packs names packs for readers, each with the beginning of its hash, which tells versions of a pack apart.
func Packs(list []Pack) string {
	texts := make([]string, len(list))
	for i, p := range list {
		const enough = 12
		texts[i] = p.Name + " " + p.Hash[:min(len(p.Hash), enough)]
	}
	return strings.Join(texts, ", ")
}

func (p *Process) String() string {
	where := p.Host
	if p.PID > 0 {
		where += fmt.Sprintf(" (pid %d)", p.PID)
	}
	return fmt.Sprintf("%q at %s with %s", p.Client, where, Packs(p.Packs))
}

// form is the form of a record. A later version may add members, which are left alone here. One that changes what members
// mean takes another number, and is not read.
const form = 1

// record is a process as it is stored.
type record struct {
	Form int    `json:"form"`
	Beat uint64 `json:"beat"` // rises with each writing
	Process
}

func (r *record) encode() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("BUG: a process that is no JSON: " + err.Error())
	}
	return b
}

// parseRecord reads a record; ok is false for what is none, or none of this form.
func parseRecord(b []byte) (r record, ok bool) {
	err := json.Unmarshal(b, &r)
	return r, err == nil && r.Form == form
}
