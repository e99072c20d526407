package store

import "context"

// Store keeps bytes under keys, in shards. It computes nothing. All keys of a
// commit belong to the one shard (on a Cluster, to one slot). A Store is safe for use by
// several goroutines. Errors name the operation and the shard; nothing is
// retried inside. A start asks redis.Retryable; a running service tries again whatever the error (metrics.Retrier).
type Store interface {
	Atomic
	Plain
	Index
	Listing
	Admin
}

// Atomic reads and writes many keys of a shard at one moment. Counting needs no more.
type Atomic interface {
	// Load returns the values of keys in their order, nil for an absent one, in the array of dst
	// if that is long enough. The values are the caller's; they share memory, so that
	// one kept alone holds all of them. Up to MaxCommitKeys keys are read at one moment.
	Load(ctx context.Context, shard int, keys [][]byte, dst [][]byte) ([][]byte, error)
	// Commit applies c as one atomic write, or nothing of it. An error leaves open which.
	Commit(ctx context.Context, shard int, c *Commit) (Result, error)
}

// Plain writes without a check: settings, and what nobody writes any more. These are no special cases of Commit, though
// they could be: each is a plain command of Redis, and needs no script.
type Plain interface {
	// Put sets one key, without a check.
	Put(ctx context.Context, shard int, key, value []byte) error
	// PutAbsent sets a key that is absent, and returns what the key holds then: value,
	// or what was there before. To call it again after an error is safe.
	PutAbsent(ctx context.Context, shard int, key, value []byte) ([]byte, error)
	// Delete removes keys; absent ones are no error. It is not atomic over many.
	Delete(ctx context.Context, shard int, keys ...[]byte) error
}

// Index is an index of armed subjects in each shard. It is not written in the commits: whoever
// reads it looks at the subject again.
type Index interface {
	// Arm notes members with their dates, replacing their dates.
	Arm(ctx context.Context, shard int, due ...Due) error
	// ArmAbsent is Arm for the members that are not in the index.
	ArmAbsent(ctx context.Context, shard int, due ...Due) error
	// Disarm removes members from the index; absent ones are no error.
	Disarm(ctx context.Context, shard int, members ...[]byte) error
	// Armed returns the first limit of the members due at upTo (Unix seconds) or before, by date
	// and then by the bytes of the member.
	Armed(ctx context.Context, shard int, upTo int64, limit int) ([]Due, error)
}

// Admin is about a store as a whole.
type Admin interface {
	// ScanRecords calls f with the keys of the records of every shard, in no order, possibly
	// repeated, until f returns false. Each server is looked through once, however many shards it
	// has. If one fails, the others are looked through all the same. Keys on the move between
	// servers may be missed. After each step, of some 1,000 keys of any kind, pause is called, if
	// it is not nil.
	ScanRecords(ctx context.Context, f func(shard int, key []byte) bool, pause func()) error
	// Keys names the keys of this store.
	Keys() Keys
	// Ping reports whether the store can be written to.
	Ping(ctx context.Context) error
	Close() error
}

// Due is a member of a shard's index of armed subjects (Keys.AppendMember) and
// the date at which it may clear.
type Due struct {
	Member []byte
	Unix   int64 // seconds since 1970-01-01T00:00:00Z; exact up to 2^53 either side
}

// Commit is one atomic write. It is applied if every fence holds From, and every record the Version
// that was read. Otherwise nothing is written. If fences and records both differ, the answer is
// Fenced. It names no key twice, except a key both compared and deleted, and at most MaxCommitKeys
// in all.
type Commit struct {
	Fences  []Fence
	Records []Record
	Puts    []Put
	// Deletes are keys removed. A commit has either writes (fences that move,
	// records, puts) or deletes, never both: each is one command. In a commit that
	// deletes, Fences and Records are only compared (To and Value unused).
	Deletes [][]byte
}

// Fence is a key that must hold From (nil: be absent) and then becomes To. To
// nil: it is compared only.
type Fence struct {
	Key, From, To []byte
}

// Record is a key whose value must begin with Version (nil: be absent) and then
// becomes Value, which begins with a new version. Value nil: compared only.
type Record struct {
	Key, Version, Value []byte
}

// Put is a key without a check, guarded by its subject's record.
type Put struct {
	Key, Value []byte
}

// Outcome is the answer to a commit.
type Outcome uint8

// The answers.
const (
	Done   Outcome = iota // written
	Fenced                // a fence differed: Result.Fences
	Stale                 // a record differed: Result.Records
)

// Result says what a commit found. The present values are given for every fence or
// record that differed; nil is an absent key.
type Result struct {
	Outcome Outcome
	Fences  []Present
	Records []Present
}

// Present is what a key holds: the Index-th fence or record of the commit.
type Present struct {
	Index int
	Value []byte
}
