package event

import "github.com/seed-afe14ff2/aggregator/internal/humanize"

// member is a known member of the event's JSON object. The string fields come
// first, by Str, then the integer fields, by Num.
type member uint8

const (
	firstNum   = member(NumStr)
	memberID   = firstNum + member(NumNum)
	memberTime = memberID + 1
	memberType = memberID + 2
	unknown    = memberID + 3 // any other member; also how many known ones there are
	start      = memberID + 4 // stands before the first member of an object
	numMembers = memberID + 5 // with start: how large a table by member is
)

// spec is what contract section 2 says of a member.
type spec struct {
	name     string
	quoted   string // as it stands in JSON without white space: "name":
	min, max int64  // of a text its bytes, of an integer its value
}

var (
	specs   = makeSpecs()
	members = makeMembers()
)

func makeSpecs() (all [unknown]spec) {
	put := func(m member, name string, least, most int64) {
		all[m] = spec{name: name, quoted: `"` + name + `":`, min: least, max: most}
	}
	for s, most := range [NumStr]int64{256, 256, 256, 256, 256, 256, Media: 32, Category: 64} {
		put(member(s), StrNames[s], 1, most)
	}
	for n, most := range [NumNum]int64{1e12, 1e12, 1e12, 1e12, Amount: 1e15} {
		put(firstNum+member(n), NumNames[n], 0, most)
	}
	all[firstNum+member(Count)].min = 1
	put(memberID, "id", 1, 128)
	put(memberTime, "time", 0, 0)
	put(memberType, "type", 1, 64)
	return all
}

func makeMembers() map[string]member {
	m := make(map[string]member, len(specs))
	for i := range specs {
		m[specs[i].name] = member(i)
	}
	return m
}

// memberOf returns the member of that name, or unknown.
func memberOf(name []byte) member {
	if m, ok := members[string(name)]; ok {
		return m
	}
	return unknown
}

// isNum reports whether the member is an integer field.
func (m member) isNum() bool { return m >= firstNum && m < memberID }

// name returns the member's name in JSON, "" for an unknown one.
func (m member) name() string {
	if m < unknown {
		return specs[m].name
	}
	return ""
}

// want says what the member must be.
func (m member) want() string {
	switch {
	case m == memberTime:
		return "an RFC 3339 time such as 2026-11-22T10:00:03Z"
	case m.isNum():
		return "an integer from " + humanize.Number(specs[m].min) + " to " + humanize.Number(specs[m].max)
	}
	return "a string of 1 to " + humanize.Number(specs[m].max) + " bytes"
}
