//go:build race

package e2e

// underRace reports whether the tests were built with the race detector. The binary they run is built like them.
const underRace = true
