// Package deadletters is for who looks after the records that the service refused. It reads the dead-letter topics, lists what is in
// them by reason, and puts records that were repaired back into their events topics.
//
// A record that is put back is judged first as the service judges it. It goes into the partition where it was, since repeats are
// recognised within a partition. What is in that partition already, by its id, is not sent again: putting a file back twice, or once
// more after a crash, counts nothing twice, however much time has passed.
package deadletters
