// Package servers starts real servers for tests and benchmarks: Apache Kafka and Redis, each on
// free loopback ports, with its data in a temporary directory.
//
// What a test starts ends with the test. Every server is stopped by its own process id in a
// cleanup. The kernel kills it if the test process dies before that. Nothing is ever ended by name.
//
// A server that is not installed makes a test skip, with the remedy in the message. With
// REQUIRE_SERVERS=1 in the environment, as make test sets it, the test fails instead.
//
// It also runs the program under test: Build builds it once, Program is one process of it, with its
// log, its HTTP server and its metrics.
//
// The package imports nothing of this project, so that a mistake in the product cannot hide in the
// harness. It talks to Kafka through franz-go and kcat and to Redis through redis-cli. The product
// uses none of these for its work.
package servers
