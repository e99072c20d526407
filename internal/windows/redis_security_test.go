package windows

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

func TestWrongPassword(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{Args: []string{"--requirepass", "secret"}})
	addrs := []string{server.Addr()}
	f := func(o RedisOptions, want string) {
		t.Helper()
		o.Addrs = addrs
		_, err := NewRedis(t.Context(), o)
		if err == nil || Retryable(err) || ErrorKind(err) != "auth" || !strings.Contains(err.Error(), want) ||
			!strings.HasPrefix(err.Error(), "connect to redis "+server.Addr()+": ") ||
			strings.Contains(err.Error(), "guess") {
			t.Errorf("error %v of kind %s", err, ErrorKind(err))
		}
	}
	f(RedisOptions{}, "NOAUTH Authentication required")
	f(RedisOptions{Password: "guess"}, "WRONGPASS invalid username-password pair or user is disabled")
	f(RedisOptions{Username: "nobody", Password: "guess"}, "WRONGPASS invalid username-password pair or user is disabled")
	desk{t, openRedis(t, RedisOptions{Addrs: addrs, Password: "secret"}), 7}.put("x", "1")
	desk{t, openRedis(t, RedisOptions{Addrs: addrs, Username: "default", Password: "secret"}), 7}.holds("x", "1")
}

var rightsText = regexp.MustCompile("(?s)```redis\nACL SETUSER aggregator on >PASSWORD (.*?)```")

// rights are all that the store needs of an ACL user, as docs/security.md has them.
func rights(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	found := rightsText.FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/security.md has no ACL")
	}
	return strings.Fields(string(found[1]))
}

// TestRights runs the contract with a user who may do nothing else, and each of these rights is used.
func TestRights(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	server.Do(append([]string{"ACL", "SETUSER", "worker", "on", ">pw"}, rights(t)...)...)
	r := openRedis(t, RedisOptions{Addrs: []string{server.Addr()}, Username: "worker", Password: "pw"})
	for _, c := range contract {
		server.Do("FLUSHALL")
		t.Run(c.name, func(t *testing.T) { c.test(t, r) })
	}
	if _, err := r.Check(t.Context()); err != nil {
		t.Error(err)
	}
	used := server.Do("INFO", "commandstats")
	for _, right := range rights(t) {
		if command, ok := strings.CutPrefix(right, "+"); ok && !strings.Contains(used, "cmdstat_"+command+":") {
			t.Errorf("docs/security.md gives the right to %s, which was not used", command)
		}
	}
	if refused := server.Do("ACL", "LOG"); refused != "" {
		t.Errorf("refused: %s", refused)
	}
	other := openRedis(t, RedisOptions{Addrs: []string{server.Addr()}, Username: "worker", Password: "pw", Prefix: "other:"})
	if err := other.Ping(t.Context()); err == nil || Retryable(err) || ErrorKind(err) != "auth" {
		t.Errorf("error %v of kind %s", err, ErrorKind(err))
	}
}

func TestTLS(t *testing.T) {
	authority := servers.NewAuthority(t)
	own := authority.Issue(servers.Identity{Name: "redis"})
	port := freePort(t)
	servers.Redis(t, servers.RedisOptions{Args: []string{
		"--tls-port", port, "--tls-auth-clients", "yes",
		"--tls-ca-cert-file", authority.File, "--tls-cert-file", own.Cert, "--tls-key-file", own.Key,
	}})
	addrs := []string{"127.0.0.1:" + port}
	pair, err := tls.LoadX509KeyPair(own.Cert, own.Key)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(authority.File)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	mutual := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
	desk{t, openRedis(t, RedisOptions{Addrs: addrs, TLS: mutual}), 7}.put("x", "1")
	f := func(config *tls.Config, kinds ...string) {
		t.Helper()
		_, err := NewRedis(t.Context(), RedisOptions{Addrs: addrs, TLS: config})
		if err == nil || !slices.Contains(kinds, ErrorKind(err)) || Retryable(err) != (ErrorKind(err) == "broken") {
			t.Errorf("error %v of kind %s, retryable %v", err, ErrorKind(err), Retryable(err))
		}
	}
	f(&tls.Config{Certificates: mutual.Certificates}, "tls") // of an authority not known
	f(&tls.Config{RootCAs: pool, Certificates: mutual.Certificates, ServerName: "other"}, "tls")
	// Without a certificate of our own: in TLS 1.3 the server sees that when we have sent a
	// command already, and closing may overtake its alert.
	f(&tls.Config{RootCAs: pool}, "tls", "broken")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
