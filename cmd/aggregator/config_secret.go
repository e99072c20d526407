package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/preflight"
)

// secret is a text that may stand in a file of its own.
type secret struct{ text, file string }

func secretText(p *secret) value {
	v := text(&p.text)
	v.mute = true
	v.reset = func() { *p = secret{} }
	return v
}

func secretFile(p *secret) value {
	v := filePath(&p.file)
	v.reset = func() { *p = secret{} }
	return v
}

// read is the secret itself. A file's last line end does not belong to it. An empty file is an
// error: who names one does not mean that anybody may come in.
func (s *secret) read() (string, error) {
	if s.file == "" {
		return s.text, nil
	}
	if s.text != "" {
		return "", errors.New("it is given twice, here and as a text; keep one of them")
	}
	b, err := os.ReadFile(s.file)
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("%s is empty", s.file)
	}
	return text, nil
}

// saslConfig is how to log in at Kafka, as it is written.
type saslConfig struct {
	mechanism, username string
	password            secret
}

// method makes the mechanism of a login; nil for none.
func method(l *preflight.Login) (sasl.Mechanism, error) {
	switch l.Mechanism {
	case "plain":
		return plain.Mechanism{Username: l.Username, Password: l.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, l.Username, l.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, l.Username, l.Password)
	}
	return nil, nil
}

// tlsFiles says how to make TLS connections.
type tlsFiles struct {
	enabled       bool
	ca, cert, key string // PEM; no ca: those of the system
	serverName    string // "": the name that is dialled
}

// config makes the settings; nil if TLS is off. The fault is about the key named.
func (t *tlsFiles) config() (c *tls.Config, key string, err error) {
	if !t.enabled {
		return nil, "", nil
	}
	c = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.serverName}
	if t.ca != "" {
		pem, err := os.ReadFile(t.ca)
		if err != nil {
			return nil, "ca_file", err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, "ca_file", fmt.Errorf("%s holds no certificate in PEM", t.ca)
		}
	}
	if t.cert == "" && t.key == "" {
		return c, "", nil
	}
	pair, err := tls.LoadX509KeyPair(t.cert, t.key)
	if err != nil {
		return nil, "cert_file", err
	}
	if end := pair.Leaf.NotAfter; time.Now().After(end) {
		return nil, "cert_file", fmt.Errorf("the certificate in %s has run out on %s; renew it", t.cert, end.UTC().Format(time.RFC3339))
	}
	c.Certificates = []tls.Certificate{pair}
	return c, "", nil
}

// readKey reads a fingerprint key: 32 hexadecimal digits.
func readKey(file string) (*engine.Secret, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(raw) != 16 {
		return nil, fmt.Errorf("%s does not hold 32 hexadecimal digits; make such a file with: openssl rand -hex 16", file)
	}
	s, err := engine.NewSecret(raw)
	return &s, err
}
