// Package outbox publishes crossings. A shard puts them into its outbox, in the store, with the commit that counted their
// events; a Relay writes them to Kafka, notes that they are published, and deletes them.
//
// It has both ends of the form in which entries are stored. One process at a time publishes an outbox: the one with the Lease.
// Ids at the end of the topic tell what was published before.
package outbox
