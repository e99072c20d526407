// Package canary tries the whole way. Every so often a process sends an event of its own, a canary, into each partition of the first
// events topic that it owns. Shards count it, by a subject of its own; a relay takes its crossing out of the outbox; here it is written to
// the canaries' own topic, and read back. How long that took is measured, by one clock.
//
// A canary moves the stream's time like any event that matches. So episodes end on a night on which nothing else happens.
//
// Nothing waits for a canary. What cannot be sent or published is dropped, and is seen as a canary that does not come back.
package canary
