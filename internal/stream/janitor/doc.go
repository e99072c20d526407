// Package janitor looks after subjects for which nothing comes: it tells shards which of them may have a clear due, and deletes records
// whose windows have been empty for long.
package janitor
