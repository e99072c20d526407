// Package board is what people and programs see of a running service: the API under /api/v1, and its stream of server-sent events.
//
// It reads, and changes nothing. What it shows is that of the whole deployment: it comes from the store, from the topic of
// crossings and from Kafka's offsets, not from what this process owns. So every process answers the same. Where the store or Kafka does
// not answer it says so, with 503, and does not show what it knew before.
//
// Handlers are plain net/http over small interfaces. A handler returns what is to be shown, or a httpserver.Problem; any other error is
// one of the store or of Kafka. api/openapi.json describes all of it, and every reply in the tests is held against it.
package board
