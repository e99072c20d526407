//go:build slow

package e2e

import (
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestSlowNotifyFaults is TestNotifyFaults with as many as FAULTS says: 10,000 crossings and 200 faults of each sink, if it is 100.
func TestSlowNotifyFaults(t *testing.T) {
	newNotifyRun(t, servers.Kafka(t, servers.KafkaOptions{})).run(repetitions(1_000, 10_000), repetitions(20, 200), 20*time.Millisecond)
}
