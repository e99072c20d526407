package inforce

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
)

// Rules is all that decides what becomes of an event, and what is announced.
type Rules struct {
	Packs []Pack `json:"packs"` // in their order
	// MaxMembers bounds the keys of a distinct counter.
	MaxMembers int `json:"max_members"`
	Intake
}

// Pack names a pack.
type Pack struct {
	Name string `json:"pack"`
	Hash string `json:"hash"` // SHA-256 of its text, in hexadecimal
}

// Intake is the part of Rules by which a record is an event, a repeat or neither.
type Intake struct {
	Types        map[string]string `json:"types,omitempty"` // of CloudEvents, to the packs'
	MaxAhead     time.Duration     `json:"max_ahead"`       // ns
	DedupeWindow time.Duration     `json:"dedupe_window"`   // ns
	MaxIDs       int               `json:"max_ids"`
}

// Of is the rules of a program whose events are taken in as the options say.
func Of(p *engine.Program, o engine.IntakeOptions) Rules {
	o = o.WithDefaults()
	r := Rules{MaxMembers: p.MaxMembers, Intake: Intake{Types: o.Types, MaxAhead: o.MaxAhead, DedupeWindow: o.DedupeWindow, MaxIDs: o.MaxIDs}}
	for _, pack := range p.Packs() {
		r.Packs = append(r.Packs, Pack{pack.Name, pack.Hash})
	}
	return r
}

// idSize is how many bytes of a hash an id has: as many rules as there ever are, and no two of one id.
const idSize = 8

// ID is the same for the same rules, and 16 hexadecimal digits.
func (r *Rules) ID() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("BUG: rules that are no JSON: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:idSize])
}

// Options are the options by which the events were taken in.
func (i *Intake) Options() engine.IntakeOptions {
	return engine.IntakeOptions{Types: i.Types, MaxAhead: i.MaxAhead, DedupeWindow: i.DedupeWindow, MaxIDs: i.MaxIDs}
}

// Equal reports whether both take in all events alike.
func (i *Intake) Equal(o *Intake) bool {
	return maps.Equal(i.Types, o.Types) && i.MaxAhead == o.MaxAhead && i.DedupeWindow == o.DedupeWindow && i.MaxIDs == o.MaxIDs
}
