package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates for servers and clients of tests.
type Authority struct {
	// File holds its own certificate, which is what a client or server trusts it by.
	File string

	tb     testing.TB
	dir    string
	issued int64
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

// Identity says whom a certificate is for.
type Identity struct {
	Name    string        // common name, which Kafka makes a principal of: User:CN=name
	Hosts   []string      // host names and addresses; default 127.0.0.1
	Expired time.Duration // how long ago it ran out; 0: it is good for an hour
}

// Certificate is a certificate with its key, as PEM files.
type Certificate struct {
	Cert, Key string
	Both      string // one file, as Kafka takes it for a keystore
}

// NewAuthority makes an authority. Its files go with the test.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, dir: tb.TempDir(), key: newKey(tb)}
	template := a.template(Identity{Name: "authority"})
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		tb.Fatal(err)
	}
	a.File = a.write("authority", encode("CERTIFICATE", der))
	return a
}

// Issue makes a certificate and its key.
func (a *Authority) Issue(who Identity) Certificate {
	a.tb.Helper()
	key := newKey(a.tb)
	template := a.template(who)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.tb.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.tb.Fatal(err)
	}
	name := fmt.Sprintf("%d-%s", a.issued, filepath.Base(who.Name))
	certPEM, keyPEM := encode("CERTIFICATE", der), encode("PRIVATE KEY", private)
	return Certificate{
		Cert: a.write(name+".cert", certPEM), Key: a.write(name+".key", keyPEM),
		Both: a.write(name+".both", append(keyPEM, certPEM...)),
	}
}

// template is a certificate that is good from two days ago to an hour from now, or until
// it ran out.
func (a *Authority) template(who Identity) *x509.Certificate {
	a.issued++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(a.issued), Subject: pkix.Name{CommonName: who.Name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if who.Expired > 0 {
		c.NotAfter = time.Now().Add(-who.Expired)
	}
	if who.Hosts == nil {
		who.Hosts = []string{"127.0.0.1"}
	}
	for _, host := range who.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, host)
		}
	}
	return c
}

func (a *Authority) write(name string, data []byte) string {
	a.tb.Helper()
	file := filepath.Join(a.dir, name+".pem")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		a.tb.Fatal(err)
	}
	return file
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}
