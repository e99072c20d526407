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
	from := c.Owner("{01}")
	to := c.Nodes[0]
	if from == to {
		to = c.Nodes[1]
	}
	pauses := 0
	c.MoveSlot("{01}", to, func() { pauses++ })
	if c.Owner("{01}") != to || to.Do("GET", "{01}k") != "{01}" || pauses == 0 {
		t.Errorf("the slot is on %s, not %s, with %q, after %d pauses", c.Owner("{01}").Addr(), to.Addr(), to.Do("GET", "{01}k"), pauses)
	}
	c.Nodes[1].Kill()
	c.Nodes[1].Restart()
	if got := c.Nodes[1].Do("CLUSTER", "INFO"); !strings.Contains(got, "cluster_known_nodes:3") {
		t.Errorf("a restarted node forgot the others:\n%s", got)
	}
}
