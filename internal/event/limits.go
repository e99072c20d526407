package event

// Limits: what a record may have. DESIGN.md has each of them, with what happens at it.
const (
	// MaxSize is the size in bytes up to which a record's value is accepted.
	MaxSize = 64 << 10

	// MaxDepth is how deep objects and arrays may be nested. The event is 1.
	MaxDepth = 64

	// maxSource is how many bytes the source of an envelope may have if it is part
	// of the event's identity. CloudEvents sets no limit; this one is ours.
	maxSource = 1024

	// maxDigits is how many digits surely fit an int64. No limit has more.
	maxDigits = 18
)
