// Package subscribe reads a topic in a Kafka group of its own, for a program that handles records one
// by one and says itself how far it is.
//
// The group's library deals out the partitions, and reads nothing: records come from package fetch.
// A user is given each partition with the offset where it goes on, and with the note that was
// committed beside it. While it works, its offset and its note are committed whenever they have changed.
// When the group takes the partition away, the user ends what is under way, and what is done by
// then is committed before anybody else is given the partition.
package subscribe
