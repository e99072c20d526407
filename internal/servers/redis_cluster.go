package servers

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
)

// RedisNodes is a Redis Cluster without replicas.
type RedisNodes struct{ Nodes []*RedisServer }

// Addrs returns the addresses of all nodes.
func (c *RedisNodes) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		addrs[i] = node.Addr()
	}
	return addrs
}

// RedisCluster starts a Redis Cluster of n nodes, at least 3, the slots spread
// evenly over them. It returns once every node serves.
func RedisCluster(tb testing.TB, n int) *RedisNodes {
	tb.Helper()
	Require(tb, "redis-server", "redis-cli")
	c := &RedisNodes{}
	for range n {
		c.Nodes = append(c.Nodes, clusterNode(tb))
	}
	create := append([]string{"--cluster", "create"}, c.Addrs()...)
	c.Nodes[0].Do(append(create, "--cluster-yes")...)
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for _, node := range c.Nodes {
		if err := poll(ctx, node.inCluster); err != nil {
			tb.Fatal(err)
		}
	}
	return c
}

// clusterNode starts a node that belongs to no cluster yet. It takes a second
// port for the bus between the nodes.
func clusterNode(tb testing.TB) *RedisServer {
	tb.Helper()
	var r *RedisServer
	err := retryPorts(2, func(ports []int) error {
		r = newRedis(tb, ports[0], []string{
			"--cluster-enabled", "yes",
			"--cluster-port", strconv.Itoa(ports[1]),
			"--cluster-node-timeout", "2000",
		})
		return r.proc.run()
	})
	if err != nil {
		tb.Fatal(err)
	}
	r.own()
	return r
}

// inCluster is nil once the node knows an owner of every slot.
func (r *RedisServer) inCluster(ctx context.Context) error {
	info, err := r.cli(ctx, "CLUSTER", "INFO")
	if err != nil {
		return err
	}
	if !strings.Contains(info, "cluster_state:ok") {
		return errors.New("redis cluster: " + r.addr + " is not serving yet")
	}
	return nil
}

// Owner returns the node that serves the slot of a key.
func (c *RedisNodes) Owner(key string) *RedisServer {
	tb := c.Nodes[0].tb
	tb.Helper()
	for _, node := range c.Nodes {
		if _, err := node.Try("GET", key); err == nil {
			return node
		}
	}
	tb.Fatalf("no node serves the slot of %q", key)
	return nil
}

// MoveSlot moves the slot of a key, with all its keys, to another node, a few
// keys at a time, while others use it. Between any two steps it calls pause.
func (c *RedisNodes) MoveSlot(key string, to *RedisServer, pause func()) {
	to.tb.Helper()
	from := c.Owner(key)
	if from == to {
		return
	}
	slot := from.Do("CLUSTER", "KEYSLOT", key)
	toID := to.Do("CLUSTER", "MYID")
	to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", from.Do("CLUSTER", "MYID"))
	from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	host, port, _ := strings.Cut(to.addr, ":")
	for {
		pause()
		names := from.Do("CLUSTER", "GETKEYSINSLOT", slot, "100")
		if names == "" {
			break
		}
		args := []string{"MIGRATE", host, port, "", "0", "5000", "REPLACE", "KEYS"}
		from.Do(append(args, strings.Split(names, "\n")...)...)
	}
	to.Do("CLUSTER", "SETSLOT", slot, "NODE", toID)
	pause()
	for _, node := range c.Nodes {
		if node != to {
			node.Do("CLUSTER", "SETSLOT", slot, "NODE", toID)
		}
	}
}
