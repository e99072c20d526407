package store

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// DefaultPrefix begins every key, unless redis.prefix says otherwise.
const DefaultPrefix = "aggregator:"

// Keys names every key there is. A key is the prefix, the shard's hash tag, and what it is for. By
// the hash tag a Cluster puts all keys of a shard into one slot.
//
//	aggregator:{07}r:incident:inc-42             record of a subject
//	aggregator:{07}p:PART:incident:inc-42        part of a subject: history, a chunk of members
//	aggregator:{07}f:3:dissemination-events      fence of a topic's partition 3
//	aggregator:{07}o:1931                        entry of the outbox
//	aggregator:{07}head                          head of the outbox, a record
//	aggregator:{07}noted                         how far the outbox was published
//	aggregator:{07}claim                         who publishes the outbox
//	aggregator:{07}shadow:o:1931                 the same of the outbox for crossings of shadow rules, as shadow:head
//	aggregator:{07}m:fingerprint                 a setting that must not change: see below
//	aggregator:{07}armed                         index of subjects that may clear
//	aggregator:{07}near                          rules that the shard has a list of
//	aggregator:{07}near:art3-clicks              list of the subjects near that rule's limit
//	aggregator:{07}sights:art3-clicks            what is kept beside its rows
//	aggregator:{07}ping                          never there: to ask whether the store takes writes
//	aggregator:{07}try                           there for a moment, while a check tries every command
//	aggregator:{00}processes                     names of the processes that run, in shard 0 alone
//	aggregator:{00}process:NAME                  what one of them tells the others of itself
//
// An id may hold any bytes, so it comes last.
//
// Settings of each shard are the fingerprint key and, for each partition of the event topics,
//
//	aggregator:{07}m:begun:3:dissemination-events    that its fence was made
//	aggregator:{07}m:skipped:3:dissemination-events  what of it was passed over
//	aggregator:{07}m:history:3:dissemination-events  which rules were in force, from which offset on
//
// Shard 0 has those of the whole store: Setting... and, for each event topic and each pack that was ever in force,
//
//	aggregator:{00}m:topic:dissemination-events      its id
//	aggregator:{00}m:pack:1c2f6ed4...                its text, by its SHA-256
type Keys struct {
	// Prefix lets several deployments share a Redis. It holds no brace, which would be
	// taken for the hash tag.
	Prefix string

	box string // before the names of an outbox's keys; "" for that of crossings
}

// Shadow names the same keys, except that those of the outbox are of the one for crossings of shadow rules.
func (k Keys) Shadow() Keys {
	k.box = "shadow:"
	return k
}

// ShardOf is the shard, of so many, that the subject kind/id belongs to. It is part of what
// is stored: another function would look for every subject in another place.
func ShardOf(kind string, id []byte, shards int) int {
	var room [128]byte // a longer name costs an allocation
	name := append(append(append(room[:0], kind...), '/'), id...)
	return int(xxhash.Sum64(name) % uint64(shards))
}

// Settings, for AppendMetaKey. They are chosen once: with others, what is stored would mean something else.
const (
	SettingFingerprint = "fingerprint"         // the key of fingerprints; every shard has it
	SettingShards      = "shards"              // their number
	SettingPartitions  = "crossing-partitions" // the number of those of the crossings topic
	SettingBegins      = "begins"              // where counting began
	SettingCounters    = "counters"            // since when each counter is kept
	SettingOwner       = "owner"               // the deployment that the store belongs to
	SettingRules       = "rules"               // the rules that were ever in force, by their ids
)

// AppendRecordKey appends the key of the record of the subject kind/id.
func (k Keys) AppendRecordKey(dst []byte, shard int, kind string, id []byte) []byte {
	return k.AppendMember(k.AppendRecordPrefix(dst, shard), kind, id)
}

// AppendRecordPrefix appends how the keys of all records of the shard begin, for Scan.
func (k Keys) AppendRecordPrefix(dst []byte, shard int) []byte {
	return append(k.appendTag(dst, shard), "r:"...)
}

// AppendRecordPattern appends a glob pattern, as Redis has them, of the keys of all records of all shards.
func (k Keys) AppendRecordPattern(dst []byte) []byte {
	return append(appendQuoted(dst, k.Prefix), "{*}r:*"...)
}

// appendQuoted appends text as a glob pattern has it.
func appendQuoted(dst []byte, text string) []byte {
	for i := range len(text) {
		if strings.IndexByte(`*?[\`, text[i]) >= 0 {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i])
	}
	return dst
}

// AppendPartKey appends the key of a part (Subject.PartID, which holds no colon)
// of the subject kind/id.
func (k Keys) AppendPartKey(dst []byte, shard int, partID []byte, kind string, id []byte) []byte {
	if bytes.IndexByte(partID, ':') >= 0 {
		panic(fmt.Sprintf("BUG: a colon in part id %q", partID))
	}
	dst = append(k.appendTag(dst, shard), "p:"...)
	dst = append(append(dst, partID...), ':')
	return k.AppendMember(dst, kind, id)
}

// AppendFenceKey appends the key of the shard's fence for a partition.
func (k Keys) AppendFenceKey(dst []byte, shard int, topic string, partition int) []byte {
	return k.appendPartition(append(k.appendTag(dst, shard), "f:"...), topic, partition)
}

func (Keys) appendPartition(dst []byte, topic string, partition int) []byte {
	dst = append(strconv.AppendInt(dst, int64(partition), 10), ':')
	return append(dst, topic...)
}

// AppendOutboxKey appends the key of the n-th entry of the shard's outbox.
func (k Keys) AppendOutboxKey(dst []byte, shard int, n uint64) []byte {
	dst = append(k.appendBox(dst, shard), "o:"...)
	return strconv.AppendUint(dst, n, 10)
}

// AppendHeadKey appends the key of the head of the shard's outbox, a record.
func (k Keys) AppendHeadKey(dst []byte, shard int) []byte {
	return append(k.appendBox(dst, shard), "head"...)
}

// AppendPublishedKey appends the key of how far the shard's outbox was published.
func (k Keys) AppendPublishedKey(dst []byte, shard int) []byte {
	return append(k.appendBox(dst, shard), "noted"...)
}

// AppendLeaseKey appends the key of who publishes the shard's outbox.
func (k Keys) AppendLeaseKey(dst []byte, shard int) []byte {
	return append(k.appendBox(dst, shard), "claim"...)
}

// AppendMetaKey appends the key of a setting that the shard was made with, as SettingFingerprint.
func (k Keys) AppendMetaKey(dst []byte, shard int, name string) []byte {
	return append(append(k.appendTag(dst, shard), "m:"...), name...)
}

// AppendBegunKey appends the key of the witness that the shard's fence for a partition was made.
func (k Keys) AppendBegunKey(dst []byte, shard int, topic string, partition int) []byte {
	return k.appendPartition(k.AppendMetaKey(dst, shard, "begun:"), topic, partition)
}

// AppendSkippedKey appends the key that says which offsets of a partition were passed over. Each
// shard has it, as it has its fence.
func (k Keys) AppendSkippedKey(dst []byte, shard int, topic string, partition int) []byte {
	return k.appendPartition(k.AppendMetaKey(dst, shard, "skipped:"), topic, partition)
}

// AppendHistoryKey appends the key that says which rules were in force for a partition, from which offset on. Each shard has it,
// as it has its fence.
func (k Keys) AppendHistoryKey(dst []byte, shard int, topic string, partition int) []byte {
	return k.appendPartition(k.AppendMetaKey(dst, shard, "history:"), topic, partition)
}

// AppendPackKey appends the key of the text of a pack, by the hash of that text.
func (k Keys) AppendPackKey(dst []byte, hash string) []byte {
	return append(k.AppendMetaKey(dst, 0, "pack:"), hash...)
}

// AppendTopicKey appends the key of the id of an event topic.
func (k Keys) AppendTopicKey(dst []byte, topic string) []byte {
	return append(k.AppendMetaKey(dst, 0, "topic:"), topic...)
}

// AppendArmedKey appends the key of the shard's index of armed subjects.
func (k Keys) AppendArmedKey(dst []byte, shard int) []byte {
	return append(k.appendTag(dst, shard), "armed"...)
}

// AppendListsKey appends the key of the rules that the shard has lists of.
func (k Keys) AppendListsKey(dst []byte, shard int) []byte {
	return append(k.appendTag(dst, shard), "near"...)
}

// AppendListKey appends the key of the shard's list of a rule.
func (k Keys) AppendListKey(dst []byte, shard int, rule string) []byte {
	return append(append(k.appendTag(dst, shard), "near:"...), rule...)
}

// AppendSightsKey appends the key of what is kept beside the rows of that list.
func (k Keys) AppendSightsKey(dst []byte, shard int, rule string) []byte {
	return append(append(k.appendTag(dst, shard), "sights:"...), rule...)
}

// AppendPingKey appends a key of the shard that never exists.
func (k Keys) AppendPingKey(dst []byte, shard int) []byte {
	return append(k.appendTag(dst, shard), "ping"...)
}

// AppendTryKey appends the key of the shard under which a check of the store's commands writes.
func (k Keys) AppendTryKey(dst []byte, shard int) []byte {
	return append(k.appendTag(dst, shard), "try"...)
}

// AppendProcessesKey appends the key of the names of all processes.
func (k Keys) AppendProcessesKey(dst []byte) []byte {
	return append(k.appendTag(dst, 0), "processes"...)
}

// AppendProcessKey appends the key of what a process tells the others of itself.
func (k Keys) AppendProcessKey(dst []byte, name string) []byte {
	return append(append(k.appendTag(dst, 0), "process:"...), name...)
}

// AppendMember appends the name of the subject kind/id within its shard. It is the name in the
// index of armed subjects and at the end of keys.
func (Keys) AppendMember(dst []byte, kind string, id []byte) []byte {
	return append(append(append(dst, kind...), ':'), id...)
}

// ParseMember is the opposite of AppendMember. id is part of member.
func (Keys) ParseMember(member []byte) (kind string, id []byte, ok bool) {
	before, id, ok := bytes.Cut(member, []byte(":"))
	return string(before), id, ok
}

// ParseRecordKey is the opposite of AppendRecordKey; ok is false for any other
// key. id is part of key.
func (k Keys) ParseRecordKey(key []byte) (shard int, kind string, id []byte, ok bool) {
	rest, ok := bytes.CutPrefix(key, []byte(k.Prefix+"{"))
	if !ok {
		return 0, "", nil, false
	}
	number, rest, _ := bytes.Cut(rest, []byte("}"))
	shard, err := strconv.Atoi(string(number))
	member, ok := bytes.CutPrefix(rest, []byte("r:"))
	if err != nil || !ok || shard < 0 {
		return 0, "", nil, false
	}
	kind, id, ok = k.ParseMember(member)
	return shard, kind, id, ok
}

// appendBox appends how the keys of the shard's outbox begin.
func (k Keys) appendBox(dst []byte, shard int) []byte {
	return append(k.appendTag(dst, shard), k.box...)
}

// appendTag appends the prefix and the shard's hash tag, of two digits or more.
func (k Keys) appendTag(dst []byte, shard int) []byte {
	if shard < 0 {
		panic(fmt.Sprintf("BUG: shard %d", shard))
	}
	dst = append(append(dst, k.Prefix...), '{')
	if shard < 10 {
		dst = append(dst, '0')
	}
	return append(strconv.AppendInt(dst, int64(shard), 10), '}')
}
