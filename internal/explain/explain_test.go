package explain

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
)

// check fails unless explained is err with the remedy at its end, or err itself where no remedy is known.
func check(t *testing.T, err, explained error, remedy string) {
	t.Helper()
	switch {
	case !errors.Is(explained, err):
		t.Errorf("%v: explained it is another error: %v", err, explained)
	case remedy == "" && explained.Error() != err.Error():
		t.Errorf("%v: nothing is known of it, but it became %v", err, explained)
	case !strings.HasPrefix(explained.Error(), err.Error()) || !strings.HasSuffix(explained.Error(), remedy):
		t.Errorf("%v: explained as %v, want the remedy %q", err, explained, remedy)
	}
}

// TestTLS: what is wrong with certificates is explained for either server, with the keys of its own
// section.
func TestTLS(t *testing.T) {
	f := func(err error, remedy string) {
		t.Helper()
		err = fmt.Errorf("dial: %w", err)
		check(t, err, Kafka(err), strings.ReplaceAll(remedy, "SECTION", "kafka"))
		check(t, err, Store(err), strings.ReplaceAll(remedy, "SECTION", "redis"))
	}
	f(x509.UnknownAuthorityError{}, "into SECTION.tls.ca_file")
	f(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, "or set SECTION.tls.server_name to one")
	f(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}, "or set the clock of this machine right")
	f(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.TooManyIntermediates}, "")
	f(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "look at SECTION.tls.cert_file, whether it has run out and who signed it")
	f(tls.RecordHeaderError{Msg: "no TLS"}, "or set SECTION.tls.enabled to false")
	f(context.DeadlineExceeded, "")
}

func TestKafka(t *testing.T) {
	f := func(err error, remedy string) {
		t.Helper()
		check(t, err, Kafka(err), remedy)
	}
	f(kafka.SASLAuthenticationFailed, "look at kafka.sasl.username and kafka.sasl.password")
	f(kafka.UnsupportedSASLMechanism, "set kafka.sasl.mechanism to one that the listener offers")
	f(kafka.IllegalSASLState, "set kafka.sasl.mechanism to one that the listener offers")
	f(kafka.TopicAuthorizationFailed, "the user needs more rights to the topic: docs/security.md has the ACLs")
	f(fmt.Errorf("join: %w", kafka.GroupAuthorizationFailed), "the user needs the right to READ the group: docs/security.md has the ACLs")
	f(kafka.ClusterAuthorizationFailed, "the user needs more rights: docs/security.md has the ACLs")
	f(kafka.BrokerNotAvailable, "look whether Kafka runs there, and at kafka.brokers")
	f(&net.OpError{Op: "dial", Err: errors.New("refused")}, "look whether Kafka runs there, and at kafka.brokers")
	f(&net.OpError{Op: "read", Err: errors.New("reset")}, "")
	f(fmt.Errorf("read: %w", io.EOF), "its listener wants TLS or a login, or neither (kafka.tls, kafka.sasl)")
	f(io.ErrUnexpectedEOF, "its listener wants TLS or a login, or neither (kafka.tls, kafka.sasl)")
	f(kafka.LeaderNotAvailable, "")
}

// TestKafkaShortens: the library's names are left out, and of many errors the first is reported.
func TestKafkaShortens(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if got := Kafka(err).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	plain := errors.New("plain")
	f(fmt.Errorf("kafka.(*Client).Produce: %w", plain), "plain")
	f(fmt.Errorf("kafka.(*Client).Produce: %w", fmt.Errorf("kafka.(*Transport).RoundTrip: %w", plain)), "plain")
	f(errors.New("kafka.(*Client).Produce: a text"), "kafka.(*Client).Produce: a text")
	f(kafka.WriteErrors{nil, plain, errors.New("other")}, "write 2 of 3 records: plain")
	f(kafka.WriteErrors{kafka.SASLAuthenticationFailed}, "write 1 of 1 records: "+kafka.SASLAuthenticationFailed.Error()+
		": look at kafka.sasl.username and kafka.sasl.password")
}

// reply is an error reply of Redis.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

func TestStore(t *testing.T) {
	f := func(err error, remedy string) {
		t.Helper()
		check(t, err, Store(err), remedy)
	}
	f(reply("WRONGPASS invalid username-password pair or user is disabled."), "look at redis.username and redis.password")
	f(fmt.Errorf("commit: %w", reply("NOAUTH Authentication required.")), "look at redis.username and redis.password")
	f(reply("NOPERM this user has no permissions to run the 'mget' command"), "the user needs more rights: docs/security.md has the ACL")
	f(reply("ERR The user executing the script can't run this command or subcommand script: 0"), "the user needs more rights: docs/security.md has the ACL")
	f(reply("ERR unknown command 'EVALSHA', with args beginning with: "), "or has it by another name (rename-command): give it back")
	f(reply("LOADING Redis is loading the dataset in memory"), "")
	f(io.EOF, "")
}
