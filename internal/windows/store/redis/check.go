package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// Server is what Check found of one master. What the server does not tell is empty.
type Server struct {
	Addr     string   // as it was dialled; with Sentinels the master's name
	Version  string   // as "7.0.15"; another program's has its name in front, as "valkey 8.1.0"
	Role     string   // "master", "slave"
	Policy   string   // maxmemory-policy
	Fsync    string   // appendfsync; "off" without an append-only file
	Warnings []string // what the operator should know; nothing that keeps the store from being used
}

// Check looks at every master and returns what it found, by address. It returns an error if a
// master cannot be reached, or is not fit to be the store. Such a master is a replica, a Cluster's
// node without the Cluster, or a server that evicts keys when its memory is full.
func (r *Store) Check(ctx context.Context) ([]Server, error) {
	var mu sync.Mutex
	var found []Server
	faults := map[string]error{}
	err := r.eachMaster(ctx, func(ctx context.Context, addr string, c *goredis.Client) error {
		s, err := r.checkServer(ctx, addr, c)
		mu.Lock()
		defer mu.Unlock()
		found = append(found, s)
		faults[addr] = err
		return nil
	})
	slices.SortFunc(found, func(a, b Server) int { return strings.Compare(a.Addr, b.Addr) })
	for _, s := range found {
		if fault := faults[s.Addr]; fault != nil {
			err = errors.Join(err, fmt.Errorf("redis %s: %w", s.Addr, fault))
		}
	}
	return found, err
}

// eachMaster calls f with every master, on a Cluster all at once.
func (r *Store) eachMaster(ctx context.Context, f func(context.Context, string, *goredis.Client) error) error {
	switch c := r.client.(type) {
	case *goredis.ClusterClient:
		err := c.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error {
			return f(ctx, node.Options().Addr, node)
		})
		if err != nil {
			return fmt.Errorf("ask the masters of redis %s: %w", r.name, err)
		}
		return nil
	case *goredis.Client:
		return f(ctx, r.name, c)
	}
	panic(fmt.Sprintf("BUG: a %T", r.client))
}

// checkServer asks one server. INFO shows more than CONFIG, which ACLs and managed services often
// forbid.
func (r *Store) checkServer(ctx context.Context, addr string, c *goredis.Client) (Server, error) {
	s := Server{Addr: addr}
	text, err := c.Info(ctx).Result()
	if denied(err) {
		s.warn("INFO is not permitted, so its version and role are not known")
	} else if err != nil {
		return s, fmt.Errorf("info: %w", err)
	}
	info := parseInfo(text)
	s.read(info)
	if err := s.readConfig(ctx, c); err != nil {
		return s, err
	}
	s.warnings()
	return s, s.fault(info["cluster_enabled"] == "1" && !r.onCluster())
}

func (r *Store) onCluster() bool {
	_, ok := r.client.(*goredis.ClusterClient)
	return ok
}

// parseInfo reads the lines of INFO.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

// read takes what INFO says.
func (s *Server) read(info map[string]string) {
	s.Version = info["redis_version"]
	if name := info["server_name"]; name != "" && name != "redis" {
		s.Version = name + " " + cmp.Or(info[name+"_version"], s.Version)
	}
	s.Role = info["role"]
	s.Policy = info["maxmemory_policy"]
	if info["aof_enabled"] == "0" {
		s.Fsync = "off"
	}
}

// readConfig takes what INFO does not say.
func (s *Server) readConfig(ctx context.Context, c *goredis.Client) (err error) {
	if s.Policy == "" {
		if s.Policy, err = setting(ctx, c, "maxmemory-policy"); err != nil {
			return err
		}
	}
	if s.Fsync != "" {
		return nil
	}
	aof, err := setting(ctx, c, "appendonly") // which INFO may not have told
	if err == nil && aof == "no" {
		s.Fsync = "off"
		return nil
	}
	if err == nil {
		s.Fsync, err = setting(ctx, c, "appendfsync")
	}
	return err
}

// setting is empty if the server does not tell: that is no error.
func setting(ctx context.Context, c *goredis.Client, name string) (string, error) {
	values, err := c.ConfigGet(ctx, name).Result()
	if err != nil && !denied(err) {
		return "", fmt.Errorf("config get %s: %w", name, err)
	}
	return values[name], nil
}

// denied reports whether the server answers, and answers no. Managed services forbid, rename or
// take out commands that give facts about the server, each in its own words.
func denied(err error) bool {
	var reply goredis.Error
	return errors.As(err, &reply)
}

// warnings notes what the operator should know.
func (s *Server) warnings() {
	const tested = 7 // the oldest major version that the tests run on
	major, _, _ := strings.Cut(s.Version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < tested {
		s.warn("version " + s.Version + " is older than those it was tested with, 7.0 and later")
	}
	switch s.Fsync {
	case "off":
		s.warn("appendonly is off: after a crash of Redis all since its last snapshot is counted again from Kafka, " +
			"as far back as Kafka keeps it; remedy: CONFIG SET appendonly yes")
	case "no":
		s.warn("appendfsync is no: a power loss takes back up to half a minute, which is counted again from Kafka; " +
			"remedy: CONFIG SET appendfsync everysec")
	}
	if s.Policy == "" {
		s.warn("its maxmemory-policy cannot be read (CONFIG GET is not permitted): see to it that it is noeviction")
	}
	if s.Fsync == "" {
		s.warn("appendfsync cannot be read (CONFIG GET is not permitted): see to it that appendonly is yes and appendfsync everysec")
	}
}

func (s *Server) warn(text string) { s.Warnings = append(s.Warnings, text) }

// fault says what makes the server unfit.
func (s *Server) fault(strayNode bool) error {
	switch {
	case s.Role == "slave":
		return errors.New("is a replica, which takes no writes; give its master's address, " +
			"or redis.master_name and the Sentinels' addresses")
	case strayNode:
		return errors.New("is a node of a Cluster; give the addresses of several nodes, or set redis.cluster")
	case s.Policy != "" && s.Policy != "noeviction":
		return fmt.Errorf("maxmemory-policy is %s, which would drop counters when memory is full; "+
			"remedy: CONFIG SET maxmemory-policy noeviction", s.Policy)
	}
	return nil
}
