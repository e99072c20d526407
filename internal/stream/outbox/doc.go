// Package outbox publishes crossings. A shard puts them into its outbox, in the store, with the commit that counted their events. A Relay
// writes them to Kafka, notes that they are published, and deletes them.
//
// No crossing may be lost, and none should come twice. Kafka's client here has no idempotent producer and no transactions. So five
// things do together what these would do. Each is needed.
//
// # Published
//
// Entries of an outbox have numbers. Head is the number of the next entry. Published is the number below which all are in Kafka.
// A relay first writes entries to Kafka and notes them after that. A relay that dies in between writes them again, and loses none.
// It notes only if the store still holds the very entries that it wrote. A store that was restored from a backup, or that lost what it had,
// may hold others under these numbers by now.
//
// # Recent ids
//
// A relay that begins does not know what the one before it wrote and did not note. Nor does a relay after an error: Kafka may have the
// entries or not. So it reads the ids at the end of the topic first, and skips the entries with these ids. Numbers would not do:
// a store that went back uses them again. It reads up to the end of the leader's log, and waits for what the followers lack: that was
// written all the same, and is shown later. The number of ids is bounded (RecentMost), so a crossing that was published longer ago comes twice.
//
// # Lease
//
// Two relays of an outbox would publish everything twice. The group gives each partition to one process, and a process has the outboxes that go
// with its partitions. But a process that was stopped for a while does not know that they went to another. So a relay writes a
// lease into the store: the generation of the group, and the process. One of a later generation takes the lease over; one of an
// earlier generation then stops. A relay takes the lease before it reads the recent ids, or it would miss what is published in between.
// A group that is recreated counts its generations from 1. So a relay gives way to the lease of a later generation for
// LeaseOutlives, and takes it over then. If its owner still lives, it takes it back.
//
// # Deadline
//
// A relay asks for its lease, and then publishes. It may be stopped in between. So what it sends has a deadline: LeaseFresh after
// it asked. That is less than the group takes to give the partitions to another process. The deadline goes along down to the
// request, and is looked at when the request is put together: to dial may have taken long, too. Dead letters have none, since nobody else writes them.
//
// # Delete
//
// What is published is deleted in a commit of its own, if the store still says that it is published. A relay that dies before that
// leaves entries just below Published. The next one deletes downwards from there, when it begins.
//
// # Format of entries
//
// The package has both ends of it: AppendEntry, which shards call, and ParseEntry. An entry has a small header before the record, so that the
// record is not parsed to be published. A checksum tells an entry of a later version from a damaged one. The relay waits
// at the former, and passes over the latter.
package outbox
