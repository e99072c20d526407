package engine

// DefaultMaxIDs is how many ids of events a partition remembers at most unless the config says otherwise, up to 16 bytes each.
const DefaultMaxIDs = 4_000_000
