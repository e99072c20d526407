// Package fetch is Kafka's wire for reading: Fetch requests over many
// partitions of a broker, and record sets walked in place.
//
// A Client asks each broker that leads an open partition by one goroutine, with
// one Fetch v11 request at a time that names every such partition with room. A
// Stream is one partition read in order; Next gives a Set, and Set.Read walks
// its records without copying or allocating; of a batch that is not as its header says, what can be read, and a
// Record with a Fault for the rest. What readers of committed records
// must not see is left out: control records and records of aborted
// transactions. Offsets and timestamps are Kafka's; timestamps are milliseconds.
//
// The connections, their TLS and SASL, the cluster's layout and the routing are
// those of kafka-go's Transport, which is handed in. Its own readers are not
// used: they check no CRC, hand out control and aborted records, skip in silence
// where the log was cut, and cost four to ten times the CPU.
//
// Memory of a partition: two sets of up to Options.PartitionBytes each, the one
// being read and the one being fetched or waiting; they grow only as large as
// what comes. A batch larger than PartitionBytes is held while it is read, as it came: up to what the topic
// takes, 64 MiB at most. Beside them is what there is decompressed of one batch, some 4 MiB and 8 at most, whatever
// it becomes; of zstd a window too, of which all together take 128 MiB at most in a process.
package fetch
