package e2e

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// guarded is a Kafka and a Redis that ask who comes, and a site whose own client comes by a door that does not.
type guarded struct {
	*site
	authority, stranger *servers.Authority // nobody trusts the stranger
	own                 servers.Certificate
	store               *servers.RedisServer
	secureStore         string // its address for TLS
}

const (
	plainPassword = "plain-5ecret"
	scramPassword = "scram-5ecret"
	redisPassword = "redis-5ecret"
	privacyKey    = "0123456789abcdef00112233445566ff"
)

// startGuarded starts both. The topics exist.
func startGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{authority: servers.NewAuthority(t), stranger: servers.NewAuthority(t)}
	g.own = g.authority.Issue(servers.Identity{Name: "aggregator"})
	kafka := servers.Kafka(t, servers.KafkaOptions{
		Listeners:  map[string]string{"TLS": "SSL", "MUTUAL": "SSL", "LOGIN": "SASL_SSL", "EXPIRED": "SSL", "ELSEWHERE": "SSL"},
		Properties: g.kafkaProperties(),
	})
	g.store, g.secureStore = g.startRedis(t, g.own, "yes")
	g.site = newSite(t, kafka, siteOptions{
		partitions: 2, redis: g.secureStore, usual: true, extra: "privacy: {key_file: " + servers.WriteFile(t, "key", privacyKey) + "}\n",
	})
	g.makeScramUser("scrammer", scramPassword)
	g.store.Do(strings.Fields(strings.Replace(pageBlock(t, "redis"), "PASSWORD", redisPassword, 1))...)
	return g
}

func (g *guarded) kafkaProperties() map[string]string {
	const module = "org.apache.kafka.common.security."
	p := map[string]string{
		"authorizer.class.name":                              "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                                        "User:ANONYMOUS",
		"sasl.enabled.mechanisms":                            "PLAIN,SCRAM-SHA-512",
		"listener.name.login.plain.sasl.jaas.config":         module + `plain.PlainLoginModule required user_aggregator="` + plainPassword + `";`,
		"listener.name.login.scram-sha-512.sasl.jaas.config": module + `scram.ScramLoginModule required;`,
		"listener.name.mutual.ssl.client.auth":               "required",
	}
	for listener, who := range map[string]servers.Identity{
		"tls": {}, "mutual": {}, "login": {}, "expired": {Expired: time.Hour}, "elsewhere": {Hosts: []string{"kafka.example"}},
	} {
		who.Name = "kafka"
		prefix := "listener.name." + listener + ".ssl."
		p[prefix+"keystore.type"], p[prefix+"keystore.location"] = "PEM", g.authority.Issue(who).Both
		p[prefix+"truststore.type"], p[prefix+"truststore.location"] = "PEM", g.authority.File
	}
	return p
}

// startRedis starts a Redis that also listens for TLS. clients is whether it asks those for certificates: yes or no.
func (g *guarded) startRedis(t *testing.T, own servers.Certificate, clients string) (r *servers.RedisServer, secure string) {
	t.Helper()
	secure = servers.FreeAddr(t)
	_, port, _ := strings.Cut(secure, ":")
	return servers.Redis(t, servers.RedisOptions{Args: []string{
		"--tls-port", port, "--tls-auth-clients", clients,
		"--tls-ca-cert-file", g.authority.File, "--tls-cert-file", own.Cert, "--tls-key-file", own.Key,
	}}), secure
}

// pageBlock is the block of a language in docs/security.md, the first one.
func pageBlock(t *testing.T, language string) string {
	t.Helper()
	return pageBlockWith(t, language, "")
}

// pageBlockWith is the first block that holds a text.
func pageBlockWith(t *testing.T, language, text string) string {
	t.Helper()
	blocks := blocksOf(t, "docs/security.md", language)
	i := slices.IndexFunc(blocks, func(b string) bool { return strings.Contains(b, text) })
	if i < 0 {
		t.Fatalf("docs/security.md has no block of %s with %q", language, text)
	}
	return blocks[i]
}

// acls are the ACLs of docs/security.md, for a principal.
func (g *guarded) acls(principal string) []kmsg.CreateACLsRequestCreation {
	g.t.Helper()
	return g.aclsOf(pageBlock(g.t, "sh"), principal)
}

// aclsOf are the ACLs of a block, for a principal.
func (g *guarded) aclsOf(block, principal string) []kmsg.CreateACLsRequestCreation {
	g.t.Helper()
	var list []kmsg.CreateACLsRequestCreation
	for line := range strings.Lines(block) {
		words := strings.Fields(line)
		x := kmsg.NewCreateACLsRequestCreation()
		x.Principal, x.Host, x.PermissionType = principal, "*", kmsg.ACLPermissionTypeAllow
		x.ResourcePatternType = kmsg.ACLResourcePatternTypeLiteral
		for i, word := range words {
			switch word {
			case "--operation":
				_ = x.Operation.UnmarshalText([]byte(words[i+1])) // what it does not know is found below
			case "--topic":
				x.ResourceType, x.ResourceName = kmsg.ACLResourceTypeTopic, words[i+1]
			case "--group":
				x.ResourceType, x.ResourceName = kmsg.ACLResourceTypeGroup, words[i+1]
			}
		}
		if words[0] != "kafka-acls.sh" || x.Operation == 0 || x.ResourceName == "" {
			g.t.Fatalf("docs/security.md: this is no ACL: %s", line)
		}
		list = append(list, x)
	}
	return list
}

// allow makes ACLs.
func (g *guarded) allow(list ...kmsg.CreateACLsRequestCreation) {
	g.t.Helper()
	request := kmsg.NewPtrCreateACLsRequest()
	request.Creations = list
	reply, err := request.RequestWith(g.t.Context(), g.client)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, r := range reply.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			g.t.Fatal(err)
		}
	}
}

// forbid takes an ACL back.
func (g *guarded) forbid(x kmsg.CreateACLsRequestCreation) {
	g.t.Helper()
	f := kmsg.NewDeleteACLsRequestFilter()
	f.ResourceType, f.ResourceName, f.ResourcePatternType = x.ResourceType, &x.ResourceName, x.ResourcePatternType
	f.Principal, f.Host, f.Operation, f.PermissionType = &x.Principal, &x.Host, x.Operation, x.PermissionType
	request := kmsg.NewPtrDeleteACLsRequest()
	request.Filters = append(request.Filters, f)
	reply, err := request.RequestWith(g.t.Context(), g.client)
	if err != nil || len(reply.Results[0].MatchingACLs) != 1 {
		g.t.Fatalf("take back an ACL: %v, %+v", err, reply)
	}
}

func (g *guarded) makeScramUser(name, password string) {
	g.t.Helper()
	const rounds = 4096
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations, u.Salt = name, 2, rounds, []byte("0123456789abcdef") // 2: SCRAM-SHA-512
	var err error
	if u.SaltedPassword, err = pbkdf2.Key(sha512.New, password, u.Salt, rounds, sha512.Size); err != nil {
		g.t.Fatal(err)
	}
	request := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	request.Upsertions = append(request.Upsertions, u)
	reply, err := request.RequestWith(g.t.Context(), g.client)
	if err == nil {
		err = kerr.ErrorForCode(reply.Results[0].ErrorCode)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

// The variables that override the config. What comes later in a list wins.

func kafkaTLS(g *guarded, listener string) []string {
	return []string{
		"AGGREGATOR_KAFKA_BROKERS=" + g.kafka.ListenerAddr(listener),
		"AGGREGATOR_KAFKA_TLS_ENABLED=true", "AGGREGATOR_KAFKA_TLS_CA_FILE=" + g.authority.File,
	}
}

func kafkaCertificate(g *guarded, c servers.Certificate) []string {
	return append(kafkaTLS(g, "MUTUAL"), "AGGREGATOR_KAFKA_TLS_CERT_FILE="+c.Cert, "AGGREGATOR_KAFKA_TLS_KEY_FILE="+c.Key)
}

func kafkaLogin(g *guarded, mechanism, user, password string) []string {
	return append(kafkaTLS(g, "LOGIN"), "AGGREGATOR_KAFKA_SASL_MECHANISM="+mechanism,
		"AGGREGATOR_KAFKA_SASL_USERNAME="+user, "AGGREGATOR_KAFKA_SASL_PASSWORD="+password)
}

func redisTLS(g *guarded, addr string) []string {
	return []string{"AGGREGATOR_REDIS_ADDRS=" + addr, "AGGREGATOR_REDIS_TLS_ENABLED=true", "AGGREGATOR_REDIS_TLS_CA_FILE=" + g.authority.File}
}

func redisCertificate(g *guarded, addr string, c servers.Certificate) []string {
	return append(redisTLS(g, addr), "AGGREGATOR_REDIS_TLS_CERT_FILE="+c.Cert, "AGGREGATOR_REDIS_TLS_KEY_FILE="+c.Key)
}

func redisLogin(user, password string) []string {
	return []string{"AGGREGATOR_REDIS_USERNAME=" + user, "AGGREGATOR_REDIS_PASSWORD=" + password}
}

// redisFine is how one gets into the Redis.
func (g *guarded) redisFine() []string {
	return append(redisCertificate(g, g.secureStore, g.own), redisLogin("aggregator", redisPassword)...)
}
