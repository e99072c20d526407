// Package fetch is Kafka's wire for reading: Fetch requests over many partitions of a broker, and
// record sets walked in place.
//
// A Client has one goroutine for each broker that leads an open partition. It sends one Fetch v11
// request at a time, which names every such partition with room. A Stream is one partition read in
// order. Next gives a Set, and Set.Read walks its records without copying or allocating. Where a
// batch is not as its header says, Read gives what can be read, and a Record with a Fault for the
// rest. What readers of committed records must not see is left out: control records and records of
// aborted transactions. Offsets and timestamps are Kafka's; timestamps are milliseconds.
//
// The connections, their TLS and SASL, the cluster's layout and the routing are those of kafka-go's
// Transport, which is handed in. Its own readers are not used. They check no CRC, hand out control
// and aborted records, and skip in silence where the log was cut. They also cost four to ten times
// the CPU.
//
// Memory of a partition:
//   - Two sets of up to Options.PartitionBytes each, the one being read and the one being fetched
//     or waiting. They grow only as large as what comes.
//   - A batch larger than PartitionBytes is held while it is read, as it came: up to what the topic
//     takes, 64 MiB at most.
//   - The decompressed part of one batch takes some 4 MiB, and 8 MiB at most, however large the
//     batch becomes.
//   - A zstd batch has a window too. All windows together take 128 MiB at most in a process.
package fetch
