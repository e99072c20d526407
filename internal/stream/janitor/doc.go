// Package janitor looks after subjects for which nothing comes. It names to shards the subjects
// that may have a clear due. It deletes records whose windows have been empty for long.
package janitor
