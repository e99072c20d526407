// Package e2e tests the built program from outside. Real processes of it, on real Kafkas and
// Redises, are fed, broken, killed and compared with internal/oracle. It is tests only.
//
// The program is built once for all tests, with the race detector if the tests have it. It is built
// once more with the build tag faultpoints where a test kills it at a place in the code. Nothing of
// package main is imported. What a test knows of the program is its command line, its config, its
// log, its metrics, and what it writes into Kafka and Redis.
//
// A test of one subject has a file of its name. TestSlow... tests have the build tag slow. The
// fault trials (TestSlowFaults, faults_*.go) and the poison (poison_*.go) are among them: make
// faults runs them.
package e2e
