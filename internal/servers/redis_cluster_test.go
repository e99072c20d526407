package servers

import (
	"strings"
	"testing"
)

func TestRedisCluster(t *testing.T) {
	c := RedisCluster(t, 3)
	if len(c.Addrs()) != 3 {
		t.Fatalf("addresses: %v", c.Addrs())
	}
	for _, tag := range []string{"{00}", "{01}", "{02}", "{03}"} {
		c.Nodes[0].Do("-c", "SET", tag+"k", tag)
		if got := c.Nodes[2].Do("-c", "GET", tag+"k"); !strings.HasSuffix(got, tag) {
			t.Errorf("%s: got %q", tag, got)
		}
	}
	c.Nodes[1].Kill()
	c.Nodes[1].Restart()
	if got := c.Nodes[1].Do("CLUSTER", "INFO"); !strings.Contains(got, "cluster_known_nodes:3") {
		t.Errorf("a restarted node forgot the others:\n%s", got)
	}
}
