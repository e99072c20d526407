package redis

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store"
	"github.com/seed-afe14ff2/aggregator/internal/windows/store/storetest"
)

// TestCluster does all on one Cluster, since that takes seconds to make.
func TestCluster(t *testing.T) {
	cluster := servers.RedisCluster(t, 3)
	f := func(name string, test func(t *testing.T, cluster *servers.RedisNodes)) {
		for _, node := range cluster.Nodes {
			node.Do("FLUSHALL")
		}
		t.Run(name, func(t *testing.T) { test(t, cluster) })
	}
	for _, c := range storetest.Contract {
		f("Contract/"+c.Name, func(t *testing.T, cluster *servers.RedisNodes) {
			c.Test(t, openRedis(t, Options{Addrs: cluster.Addrs()}))
		})
	}
	f("Check", testClusterCheck)
	f("Rights", testClusterRights)
	f("SentOnce", testClusterSentOnce)
	f("SlotMoves", testClusterSlotMoves)
	f("NodeGoesAway", testClusterNodeGoesAway)
	f("Failover", testClusterFailover) // the last: it leaves a node dead
}

func testClusterCheck(t *testing.T, cluster *servers.RedisNodes) {
	r := openRedis(t, Options{Addrs: cluster.Addrs()})
	found, err := r.Check(t.Context())
	if err != nil || len(found) != 3 {
		t.Errorf("found %+v, error %v", found, err)
	}
	cluster.Nodes[1].Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
	defer cluster.Nodes[1].Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	_, err = r.Check(t.Context())
	want := "redis " + cluster.Nodes[1].Addr() + ": maxmemory-policy is allkeys-lfu"
	if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	stray := openRedis(t, Options{Addrs: cluster.Addrs()[:1]})
	if _, err := stray.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "is a node of a Cluster") {
		t.Errorf("error %v", err)
	}
	whole := openRedis(t, Options{Addrs: cluster.Addrs()[:1], Cluster: true})
	storetest.NewDesk(t, whole, 7).Put("x", "1")
	storetest.NewDesk(t, r, 7).Holds("x", "1")
	single := servers.Redis(t, servers.RedisOptions{})
	_, err = New(t.Context(), Options{Addrs: []string{single.Addr()}, Cluster: true})
	if err == nil || Retryable(err) || !strings.Contains(err.Error(), "cluster support disabled") {
		t.Errorf("error %v", err)
	}
}

// testClusterRights: on a Cluster the slots are asked for, too; nothing else is.
func testClusterRights(t *testing.T, cluster *servers.RedisNodes) {
	for _, node := range cluster.Nodes {
		node.Do(append(append([]string{"ACL", "SETUSER", "worker", "on", ">pw"}, rights(t)...), "+cluster|slots")...)
	}
	r := openRedis(t, Options{Addrs: cluster.Addrs(), Username: "worker", Password: "pw"})
	storetest.Usable(t, r)
	storetest.ScanRecords(t, r)
	if _, err := r.Check(t.Context()); err != nil {
		t.Error(err)
	}
	for _, node := range cluster.Nodes {
		if got := node.Do("ACL", "LOG"); got != "" {
			t.Errorf("refused on %s: %s", node.Addr(), got)
		}
	}
}

// testClusterSentOnce: the Cluster's client would send a commit again, whatever MaxRetries says.
func testClusterSentOnce(t *testing.T, cluster *servers.RedisNodes) {
	r := openRedis(t, Options{Addrs: cluster.Addrs(), ReadTimeout: 300 * time.Millisecond})
	testSentOnce(t, ownerOf(t, cluster, 7), r)
}

// ownerOf is the node that holds the shard.
func ownerOf(t *testing.T, c *servers.RedisNodes, shard int) *servers.RedisServer {
	t.Helper()
	key := string(store.Keys{Prefix: store.DefaultPrefix}.AppendHeadKey(nil, shard))
	for _, node := range c.Nodes {
		if _, err := node.Try("GET", key); err == nil {
			return node
		}
	}
	t.Fatal("nobody has the slot")
	return nil
}

// testClusterSlotMoves: while a slot moves commits may be refused, wholly; then they follow it.
func testClusterSlotMoves(t *testing.T, cluster *servers.RedisNodes) {
	r := openRedis(t, Options{Addrs: cluster.Addrs()})
	d := storetest.NewDesk(t, r, 7)
	d.Put("f", "1", "p", "1")
	src := ownerOf(t, cluster, 7)
	dst := cluster.Nodes[0]
	if dst == src {
		dst = cluster.Nodes[1]
	}
	slot := src.Do("CLUSTER", "KEYSLOT", string(d.Key("f")))
	srcID, dstID := src.Do("CLUSTER", "MYID"), dst.Do("CLUSTER", "MYID")
	dst.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", srcID)
	src.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", dstID)
	host, port, _ := net.SplitHostPort(dst.Addr())
	migrate := func(name string) { src.Do("MIGRATE", host, port, string(d.Key(name)), "0", "5000") }
	move := func(from, to string) (store.Result, error) {
		return r.Commit(t.Context(), 7, d.Named(store.Commit{Fences: []store.Fence{storetest.Fence("f", from, to)}, Puts: []store.Put{storetest.Put("p", to)}}))
	}
	wants := func(from, to string) {
		t.Helper()
		if res, err := move(from, to); err != nil || res.Outcome != store.Done {
			t.Errorf("%s: %v, error %v", to, res, err)
		}
		d.Holds("f", to)
		d.Holds("p", to)
	}
	wants("1", "2") // both keys are where they were
	migrate("f")
	if _, err := move("2", "lost"); !Retryable(err) || ErrorKind(err) != "cluster" {
		t.Errorf("error %v of kind %s", err, ErrorKind(err))
	}
	migrate("p")
	wants("2", "3") // both are at the other node, to which ASK leads
	for _, node := range []*servers.RedisServer{dst, src} {
		node.Do("CLUSTER", "SETSLOT", slot, "NODE", dstID)
	}
	wants("3", "4") // MOVED
	if got := dst.Do("GET", string(d.Key("f"))); got != "4" {
		t.Errorf("the new owner has %q", got)
	}
}

func testClusterNodeGoesAway(t *testing.T, cluster *servers.RedisNodes) {
	r := openRedis(t, Options{Addrs: cluster.Addrs()})
	d := storetest.NewDesk(t, r, 7)
	d.Put("f", "0")
	owner := ownerOf(t, cluster, 7)
	owner.Kill()
	move := func() error {
		_, err := r.Commit(t.Context(), 7, d.Named(store.Commit{Fences: []store.Fence{storetest.Fence("f", "0", "1")}}))
		return err
	}
	for i := range 20 {
		if err := move(); !Retryable(err) {
			t.Fatalf("try %d: error %v of kind %s", i, err, ErrorKind(err))
		}
	}
	if err := r.Ping(t.Context()); !Retryable(err) {
		t.Errorf("error %v of kind %s", err, ErrorKind(err))
	}
	if _, err := r.Check(t.Context()); err == nil {
		t.Error("a node is away, and Check finds nothing")
	}
	owner.Restart()
	retry(t, move)
	d.Holds("f", fmt.Sprint(1))
	retry(t, func() error { return r.Ping(t.Context()) })
}

// testClusterFailover: when a master is gone, commits go on at its replica as soon as that is promoted.
func testClusterFailover(t *testing.T, cluster *servers.RedisNodes) {
	owner := ownerOf(t, cluster, 7)
	replica := servers.Redis(t, servers.RedisOptions{Args: []string{
		"--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
		"--cluster-replica-validity-factor", "0", // however long a busy machine takes to see that the master is gone
	}})
	host, port, _ := net.SplitHostPort(owner.Addr())
	id := owner.Do("CLUSTER", "MYID")
	until(t, func() bool {
		replica.Do("CLUSTER", "MEET", host, port, bus(owner)) // a MEET that is not answered within the node timeout is forgotten
		_, err := replica.Try("CLUSTER", "REPLICATE", id)
		return err == nil
	})
	until(t, func() bool { return strings.Contains(replica.Do("INFO", "replication"), "master_link_status:up") })
	for _, node := range cluster.Nodes { // who is still shaking hands when the owner dies may never hear of the other again
		until(t, func() bool { return lists(node, replica, "slave "+id) && lists(replica, node, "master -") })
	}
	r := openRedis(t, Options{Addrs: cluster.Addrs()})
	d := storetest.NewDesk(t, r, 7)
	d.Put("f", "0")
	copied(t, owner, replica)
	owner.Kill()
	until(t, func() bool { return strings.Contains(replica.Do("INFO", "replication"), "role:master") })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // the client's own interval is a minute
	defer cancel()
	retry(t, func() error {
		if ctx.Err() != nil {
			return context.Canceled
		}
		_, err := r.Commit(t.Context(), 7, d.Named(store.Commit{Fences: []store.Fence{storetest.Fence("f", "0", "1")}}))
		return err
	})
	d.Holds("f", "1")
	if got := replica.Do("GET", string(d.Key("f"))); got != "1" {
		t.Errorf("the new master has %q", got)
	}
}

// lists reports whether a node of a Cluster knows another one in a role.
func lists(node, other *servers.RedisServer, role string) bool {
	for line := range strings.Lines(node.Do("CLUSTER", "NODES")) {
		if strings.Contains(line, other.Addr()+"@") && strings.Contains(line, role) {
			return true
		}
	}
	return false
}

// copied waits until a replica has what its master has. (WAIT waits for what its own connection wrote.)
func copied(t *testing.T, master, replica *servers.RedisServer) {
	t.Helper()
	offset := func(r *servers.RedisServer, name string) string {
		_, after, _ := strings.Cut(r.Do("INFO", "replication"), name+":")
		line, _, _ := strings.Cut(after, "\n")
		return strings.TrimSpace(line)
	}
	until(t, func() bool {
		at := offset(master, "master_repl_offset")
		return at != "" && at == offset(replica, "slave_repl_offset")
	})
}

// bus is the port on which the node talks to other nodes.
func bus(node *servers.RedisServer) string {
	_, after, _ := strings.Cut(node.Do("CLUSTER", "NODES"), node.Addr()+"@")
	return strings.Fields(strings.ReplaceAll(after, ",", " "))[0]
}

// until waits for f.
func until(t *testing.T, f func() bool) {
	t.Helper()
	retry(t, func() error {
		if f() {
			return nil
		}
		return context.DeadlineExceeded // which may pass
	})
}
