// Package engine decides: it turns events into operations on subjects, and carries an operation out on a subject. It is pure:
// no context, no store, no clock.
//
// Compile makes a Program of the loaded packs. An Intake takes the records of a partition up to their operations: decoded,
// not too far ahead, no repeats, matched. An Applier carries one operation out on one subject: clears that are due, slide,
// add, levels reached. Replay, the tests of packs and the service use the same code.
//
// Times are Unix nanoseconds; Kafka timestamps and the clocks of partitions are milliseconds.
package engine
