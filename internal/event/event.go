package event

// Str names a string field. The first four are the kinds of subject, in the
// order in which crossings of one event are announced.
type Str uint8

// The string fields.
const (
	Incident Str = iota
	Account
	Content
	Group
	Site
	Recipient
	Media
	Category
	NumStr // how many there are
)

// Num names an integer field.
type Num uint8

// The integer fields.
const (
	Count Num = iota
	Members
	Followers
	Records
	Amount
	NumNum // how many there are
)

// StrNames and NumNames are the fields' names in JSON and in packs.
var (
	StrNames = [NumStr]string{"incident", "account", "content", "group", "site", "recipient", "media", "category"}
	NumNames = [NumNum]string{"count", "members", "followers", "records", "amount"}
)

// Event is one decoded record. Its byte slices point into the record's value, its headers or the
// decoder's scratch memory. They are valid until the next call of the decoder that filled it, and
// must not be changed.
type Event struct {
	ID     []byte         // 1-128 B. The event's own id, otherwise the CloudEvents envelope's
	Source []byte         // the envelope's source if ID is the envelope's; nil if the event has an id of its own
	Type   []byte         // 1-64 B
	Time   int64          // Unix nanoseconds
	Str    [NumStr][]byte // nil: absent
	Num    [NumNum]int64  // meaningful where Has says so
	Has    uint8          // bit n: Num[n] was given. Count always is: it defaults to 1
}

// Header is one header of a Kafka record.
type Header struct {
	Key, Value []byte
}
