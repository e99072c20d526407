// Package retry is how the program waits:
//   - between attempts that fail (Backoff)
//   - for a time (Wait)
//   - at intervals (Every)
//   - until something happens (Signal)
//   - between log lines that would say the same (Throttle)
//
// It has no loop around attempts. What counts as a failure, what is logged and what ends the loop
// differ from user to user, and are a line each there. It has no clock of its own either. Tests run
// in the virtual time of testing/synctest, and the simulation gives the random part of its pauses.
//
// Libraries for this were looked at: their loops take options for what is a line here, and their
// random part cannot be repeated from a seed.
package retry
