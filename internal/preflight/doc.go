// Package preflight looks, before the service runs, at the servers it will run on: `aggregator
// check -live`.
//
// It asks Kafka and Redis for what a deployment lacks: brokers that clients cannot reach, topics
// that are missing or whose settings lose events, permissions. It also finds a group or a store
// that belongs to somebody else, and a Redis that is not fit to keep counts. Where it can, it does
// what the service will do (fetches, offers an empty write, joins the group and leaves it), since
// that shows more than permissions do. Nothing is written to a topic, and a running service is not
// disturbed.
//
// Each finding is a line, as it is made: ok, warning (the service can run), or failed (it cannot),
// with its remedy.
package preflight
