// Package records reads the record batches of Kafka (magic 2), as a fetch brings them: headers, CRCs, codecs, records,
// and what readers of committed records must not see. It knows no broker and no connection.
//
// A Set is what one fetch of a partition brought. Who fetches fills its Raw and calls Open. Set.Read walks the records
// without copying or allocating. Where a batch is not as its header says, Read gives what can be read, and a Record with
// a Fault for the rest. Control records and records of aborted transactions are left out. Bytes that are no sound batch
// are a Corrupt. Offsets and timestamps are Kafka's; timestamps are milliseconds.
//
// Memory of the sets that share a Decoder:
//   - The decompressed part of one batch takes some 4 MiB, and 8 MiB at most, however large the
//     batch becomes.
//   - A zstd batch has a window too. All windows together take 128 MiB at most in a process.
package records
