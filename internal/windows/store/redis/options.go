package redis

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options says which Redis to use. One address is a single server, several
// are nodes of a Cluster; with MasterName they are Sentinels.
type Options struct {
	Addrs      []string // host:port; at least one
	MasterName string   // the master's name with its Sentinels; empty: no Sentinels
	Cluster    bool     // the one address leads to a Cluster, as managed ones give it

	Username, Password                 string // of an ACL user, or the password alone; empty: none
	SentinelUsername, SentinelPassword string // the same for the Sentinels
	TLS                                *tls.Config

	DB     int    // number of the database; 0, and on a Cluster only 0
	Prefix string // of every key; default store.DefaultPrefix

	DialTimeout  time.Duration // default 2 s
	ReadTimeout  time.Duration // default 3 s, well above the time a full commit blocks Redis
	WriteTimeout time.Duration // default 3 s
	PoolSize     int           // connections to a node; default 16: a shard uses one at a time
}

// OptionFault is what is wrong with an option.
type OptionFault struct {
	Path    string // its name in the configuration, as "redis.db"
	Message string
}

func (f OptionFault) Error() string { return f.Path + ": " + f.Message }

// Faults returns all that is wrong with the options.
func (o *Options) Faults() []OptionFault {
	var faults []OptionFault
	fault := func(wrong bool, path, message string) {
		if wrong {
			faults = append(faults, OptionFault{path, message})
		}
	}
	fault(len(o.Addrs) == 0, "redis.addrs", "there must be at least one address")
	for _, addr := range o.Addrs {
		_, port, err := net.SplitHostPort(addr)
		fault(err != nil || port == "", "redis.addrs", fmt.Sprintf("%q is not host:port", addr))
	}
	cluster := o.MasterName == "" && (o.Cluster || len(o.Addrs) > 1)
	fault(o.Cluster && o.MasterName != "", "redis.master_name", "a Cluster has no Sentinels; leave out master_name or cluster")
	fault(o.DB < 0, "redis.db", "must not be negative")
	fault(cluster && o.DB > 0, "redis.db", "a Cluster has database 0 only")
	fault(strings.ContainsAny(o.Prefix, "{}"), "redis.prefix", fmt.Sprintf("%q holds a brace, which marks a Cluster's hash tag", o.Prefix))
	return faults
}

// client opens no connection yet.
func (o *Options) client() goredis.UniversalClient {
	u := o.universal()
	if o.MasterName != "" || (len(o.Addrs) == 1 && !o.Cluster) {
		return goredis.NewUniversalClient(u)
	}
	c := u.Cluster()
	// The policies spread commands over slots, by what COMMAND says, which not every user may
	// ask. Ours are of one slot.
	c.DisableRoutingPolicies = true
	return goredis.NewClusterClient(c)
}

func (o *Options) universal() *goredis.UniversalOptions {
	return &goredis.UniversalOptions{
		Addrs:            o.Addrs,
		MasterName:       o.MasterName,
		Username:         o.Username,
		Password:         o.Password,
		SentinelUsername: o.SentinelUsername,
		SentinelPassword: o.SentinelPassword,
		TLSConfig:        o.TLS,
		DB:               o.DB,

		// Nothing is retried below us. A commit sent a second time finds itself applied, and is refused.
		// Only the caller can tell that from another owner (receipt.wroteBefore), and it paces and counts tries.
		MaxRetries:    -1,
		DialerRetries: 1,

		DialTimeout:           cmp.Or(o.DialTimeout, 2*time.Second),
		ReadTimeout:           cmp.Or(o.ReadTimeout, 3*time.Second),
		WriteTimeout:          cmp.Or(o.WriteTimeout, 3*time.Second),
		ContextTimeoutEnabled: true, // else a deadline does not end a call under way
		PoolSize:              cmp.Or(o.PoolSize, 16),
		PipelinePoolSize:      -1, // no second pool: Ping alone uses a pipeline

		// Nothing here needs RESP3; without it no connection is searched for pushes.
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}
