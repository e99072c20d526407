package redis

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
	"github.com/seed-afe14ff2/aggregator/internal/windows/store/storetest"
)

func TestWrongPassword(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{Args: []string{"--requirepass", "secret"}})
	addrs := []string{server.Addr()}
	f := func(o Options, want string) {
		t.Helper()
		o.Addrs = addrs
		_, err := New(t.Context(), o)
		if err == nil || Retryable(err) || ErrorKind(err) != "auth" || !strings.Contains(err.Error(), want) ||
			!strings.HasPrefix(err.Error(), "connect to redis "+server.Addr()+": ") ||
			strings.Contains(err.Error(), "guess") {
			t.Errorf("error %v of kind %s", err, ErrorKind(err))
		}
	}
	f(Options{}, "NOAUTH Authentication required")
	f(Options{Password: "guess"}, "WRONGPASS invalid username-password pair or user is disabled")
	f(Options{Username: "nobody", Password: "guess"}, "WRONGPASS invalid username-password pair or user is disabled")
	storetest.NewDesk(t, openRedis(t, Options{Addrs: addrs, Password: "secret"}), 7).Put("x", "1")
	storetest.NewDesk(t, openRedis(t, Options{Addrs: addrs, Username: "default", Password: "secret"}), 7).Holds("x", "1")
}

var rightsText = regexp.MustCompile("(?s)```redis\nACL SETUSER aggregator on >PASSWORD (.*?)```")

// rights are all that the store needs of an ACL user, as docs/security.md has them.
func rights(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../../../docs/security.md")
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
	r := openRedis(t, Options{Addrs: []string{server.Addr()}, Username: "worker", Password: "pw"})
	for _, c := range storetest.Contract {
		server.Do("FLUSHALL")
		t.Run(c.Name, func(t *testing.T) { c.Test(t, r) })
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
	other := openRedis(t, Options{Addrs: []string{server.Addr()}, Username: "worker", Password: "pw", Prefix: "other:"})
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
	storetest.NewDesk(t, openRedis(t, Options{Addrs: addrs, TLS: mutual}), 7).Put("x", "1")
	f := func(config *tls.Config, kinds ...string) {
		t.Helper()
		_, err := New(t.Context(), Options{Addrs: addrs, TLS: config})
		if err == nil || !slices.Contains(kinds, ErrorKind(err)) || Retryable(err) != (ErrorKind(err) == "broken") {
			t.Errorf("error %v of kind %s, retryable %v", err, ErrorKind(err), Retryable(err))
		}
	}
	f(&tls.Config{Certificates: mutual.Certificates}, "tls") // of an authority not known
	f(&tls.Config{RootCAs: pool, Certificates: mutual.Certificates, ServerName: "other"}, "tls")
	// Without a certificate of our own. In TLS 1.3 the server sees that when we have sent a command
	// already, and closing may overtake its alert.
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
