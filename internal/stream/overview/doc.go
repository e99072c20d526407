// Package overview reads how a deployment does as a whole: which process has which partition, how far each is counted, what waits
// in the outboxes, and how far the stream's time is. All of it stands in the store and in Kafka, so every process says the same, whatever it owns.
package overview
