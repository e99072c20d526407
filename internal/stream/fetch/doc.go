// Package fetch is Kafka's wire for reading: Fetch requests over many partitions of a broker, and
// what else is asked of brokers. What they give is read by package records.
//
// A Client has one goroutine for each broker that leads an open partition. It sends one Fetch v11
// request at a time, which names every such partition with room. A Stream is one partition read in
// order. Next gives a records.Set, which only holds what readers of committed records may see.
// Offsets and timestamps are Kafka's; timestamps are milliseconds.
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
//   - What records holds of one batch to decompress it.
package fetch
