// Package notify delivers crossings to sinks: at least once, in the order of each key.
//
// A sink has a Kafka group of its own (package stream/subscribe), so one that is down holds up no
// other. Of each partition that the group gives, a feed reads the records. Each key has a lane: a
// goroutine that delivers the crossings of the key one after the other, and tries each until it is
// taken or refused for good. So a key waits for no other key, except for the room that all share: the
// window, which bounds what is read and not yet taken.
//
// What is committed is the offset before which everything is done. What was taken beyond that stands
// in a note beside it, so that it is not sent again after a stop. After a kill what was taken
// since the last commit is sent again, with the same id.
//
// A target is what a sink speaks to: packages alertmanager, webhook and pagerduty.
package notify
