//go:build slow

package stream

import "testing"

// TestSlowSimulation runs as many histories as every change must survive.
func TestSlowSimulation(t *testing.T) {
	simulate(t, simSeed(), 100_000)
}
