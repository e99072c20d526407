// Package metrics has every metric of the service, and calls of the store that are tried until it answers, since each attempt is
// measured.
package metrics
