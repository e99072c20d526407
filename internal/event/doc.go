// Package event is one dissemination event: its fields, a strict decoder for
// the plain and the CloudEvents forms, and an encoder. It is pure: no I/O and
// no clock.
//
// The fields, their types and their ranges are those of contract section 2.
// Times are Unix nanoseconds.
package event
