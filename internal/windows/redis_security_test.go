package windows

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// rights are all that the store needs of an ACL user.
var rights = strings.Fields("~aggregator:* +ping +hello +auth +info +config|get +mget +mset +get +set +setnx +unlink " +
	"+eval +evalsha +scan +zadd +zrem +zrangebyscore")

// TestRights runs the contract with a user who may do nothing else.
func TestRights(t *testing.T) {
	server := servers.Redis(t, servers.RedisOptions{})
	server.Do(append([]string{"ACL", "SETUSER", "worker", "on", ">pw"}, rights...)...)
	r := openRedis(t, RedisOptions{Addrs: []string{server.Addr()}, Username: "worker", Password: "pw"})
	for _, c := range contract {
		server.Do("FLUSHALL")
		t.Run(c.name, func(t *testing.T) { c.test(t, r) })
	}
	if _, err := r.Check(t.Context()); err != nil {
		t.Error(err)
	}
	other := openRedis(t, RedisOptions{Addrs: []string{server.Addr()}, Username: "worker", Password: "pw", Prefix: "other:"})
	if err := other.Ping(t.Context()); err == nil || Retryable(err) || ErrorKind(err) != "auth" {
		t.Errorf("error %v of kind %s", err, ErrorKind(err))
	}
}

func TestTLS(t *testing.T) {
	pki := newPKI(t)
	port := freePort(t)
	servers.Redis(t, servers.RedisOptions{Args: []string{
		"--tls-port", port, "--tls-auth-clients", "yes",
		"--tls-ca-cert-file", pki.ca, "--tls-cert-file", pki.cert, "--tls-key-file", pki.key,
	}})
	addrs := []string{"127.0.0.1:" + port}
	pair, err := tls.LoadX509KeyPair(pki.cert, pki.key)
	if err != nil {
		t.Fatal(err)
	}
	mutual := &tls.Config{RootCAs: pki.pool, Certificates: []tls.Certificate{pair}}
	desk{t, openRedis(t, RedisOptions{Addrs: addrs, TLS: mutual}), 7}.put("x", "1")
	f := func(config *tls.Config, kinds ...string) {
		t.Helper()
		_, err := NewRedis(t.Context(), RedisOptions{Addrs: addrs, TLS: config})
		if err == nil || !slices.Contains(kinds, ErrorKind(err)) || Retryable(err) != (ErrorKind(err) == "broken") {
			t.Errorf("error %v of kind %s, retryable %v", err, ErrorKind(err), Retryable(err))
		}
	}
	f(&tls.Config{Certificates: mutual.Certificates}, "tls") // of an authority not known
	f(&tls.Config{RootCAs: pki.pool, Certificates: mutual.Certificates, ServerName: "other"}, "tls")
	// Without a certificate of our own: in TLS 1.3 the server sees that when we have sent a
	// command already, and closing may overtake its alert.
	f(&tls.Config{RootCAs: pki.pool}, "tls", "broken")
}

type pki struct {
	ca, cert, key string // files; ca signed itself and cert
	pool          *x509.CertPool
}

// newPKI makes an authority and a certificate for 127.0.0.1.
func newPKI(t *testing.T) pki {
	t.Helper()
	dir := t.TempDir()
	p := pki{filepath.Join(dir, "ca"), filepath.Join(dir, "cert"), filepath.Join(dir, "key"), x509.NewCertPool()}
	caKey, key := newKey(t), newKey(t)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "redis"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, p.ca, "CERTIFICATE", caDER)
	writePEM(t, p.cert, "CERTIFICATE", leafDER)
	writePEM(t, p.key, "PRIVATE KEY", keyDER)
	p.pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}))
	return p
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
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
