package shard

import (
	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// Entry is a subject with its state in the store.
type Entry struct {
	engine.Subject
	Name    string // kind byte and id: its key in the cache
	version []byte // in the store; nil: there is no record
	loaded  bool
	asked   bool // it is about to be read
	foreign bool // another process has written the record
	shared  int  // our commits of it for which its operations are still kept, to be redone if another process writes it
	dirty   bool // in the batch
	empty   bool // its windows were empty before the batch: it may be forgotten
	keys    int  // of the batch, that are this subject's
	bytes   int  // of the batch, about
	wrote   int  // bytes of the record in the store; 0: there is none
	size    int  // as counted in the cache
	used    uint32
	reread  uint64   // the read in which it was found to be out of date
	indexed uint64   // the delay with which the index of armed subjects has its clear, at most
	kept    *Chunk   // the operations of this batch, if shared
	base    []uint64 // progress by rule as of the last read, if foreign
	near    near
	begun   bool // near is that of the record as it was read
}

func (e *Entry) kindAndID() (kind byte, id string) { return e.Name[0], e.Name[1:] }

// written notes the record of e as it is in the store now.
func (e *Entry) written(record []byte) {
	e.version, e.wrote = append(e.version[:0], record[:windows.VersionSize]...), len(record)
	e.shared = max(0, e.shared-1)
}

// gone reports whether e had a record that nobody may have forgotten: one whose windows were empty may be.
func (e *Entry) gone() bool { return e.version != nil && !e.empty }

// subjectKeys makes the keys of a shard's subjects.
type subjectKeys struct {
	windowstore.Keys
	shard  int
	partID []byte
}

func (k *subjectKeys) appendRecord(dst []byte, e *Entry) []byte {
	kind, id := e.kindAndID()
	return k.AppendRecordKey(dst, k.shard, thresholds.Kind(kind).String(), []byte(id))
}

func (k *subjectKeys) appendPart(dst []byte, e *Entry, p windows.Part) []byte {
	kind, id := e.kindAndID()
	k.partID = e.PartID(k.partID[:0], p)
	return k.AppendPartKey(dst, k.shard, k.partID, thresholds.Kind(kind).String(), []byte(id))
}
