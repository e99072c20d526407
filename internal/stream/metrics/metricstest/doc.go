// Package metricstest reads metrics, for tests.
package metricstest
