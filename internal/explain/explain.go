package explain

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"

	redisstore "github.com/seed-afe14ff2/aggregator/internal/windows/store/redis"
)

// Kafka adds to an error of Kafka what an operator can do about it, if that is known. For many
// messages that could not be written it returns the first one's error.
func Kafka(err error) error {
	var each kafka.WriteErrors
	if errors.As(err, &each) && each.Count() > 0 {
		first := slices.IndexFunc(each, func(err error) bool { return err != nil })
		err = fmt.Errorf("write %d of %d records: %w", each.Count(), len(each), each[first])
	}
	return explained(unnamed(err), cmp.Or(remedyOfTLS(err, "kafka"), remedyOfKafka(err)))
}

// unnamed leaves out the name of the library's function, with which some errors begin.
func unnamed(err error) error {
	for strings.HasPrefix(err.Error(), "kafka.(*") {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	return err
}

// Store does the same for an error of the store.
func Store(err error) error {
	return explained(err, cmp.Or(remedyOfTLS(err, "redis"), remedyOfStore(err)))
}

// explained adds a remedy, if there is one.
func explained(err error, remedy string) error {
	if remedy == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, remedy)
}

// remedyOfTLS is about certificates; section is where the keys of the config stand.
func remedyOfTLS(err error, section string) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var op *net.OpError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return "put the certificate of the authority that signed the server's into " + section + ".tls.ca_file"
	case errors.As(err, &host):
		return "dial the server by a name that its certificate holds, or set " + section + ".tls.server_name to one"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the server's certificate, or set the clock of this machine right"
	case errors.As(err, &op) && op.Op == "remote error": // an alert
		return "the server wants a certificate that it trusts: look at " + section + ".tls.cert_file, whether it has run out and who signed it"
	case errors.As(err, &header):
		return "the server does not speak TLS at this address: give the address of its TLS listener, or set " + section + ".tls.enabled to false"
	}
	return ""
}

// remedyOfKafka is about logins and ACLs.
func remedyOfKafka(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return "look at kafka.sasl.username and kafka.sasl.password"
	case errors.Is(err, kafka.UnsupportedSASLMechanism), errors.Is(err, kafka.IllegalSASLState):
		return "set kafka.sasl.mechanism to one that the listener offers"
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return "the topic does not exist, or may not be seen: aggregator topics makes what is missing"
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return "the user needs more rights to the topic: docs/security.md has the ACLs"
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return "the user needs the right to READ the group: docs/security.md has the ACLs"
	case errors.Is(err, kafka.ClusterAuthorizationFailed):
		return "the user needs more rights: docs/security.md has the ACLs"
	case errors.Is(err, kafka.BrokerNotAvailable), errors.As(err, &op) && op.Op == "dial":
		return "no broker was reached: look whether Kafka runs there, and at kafka.brokers"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the broker hung up: if it does so again, its listener wants TLS or a login, or neither (kafka.tls, kafka.sasl)"
	}
	return ""
}

// remedyOfStore is about logins and ACLs.
func remedyOfStore(err error) string {
	switch text := err.Error(); {
	case redisstore.ErrorKind(err) == "auth" && (strings.Contains(text, "NOPERM") || strings.Contains(text, " script")):
		return "the user needs more rights: docs/security.md has the ACL"
	case strings.Contains(text, "ERR unknown command"):
		return "the server lacks a command that is needed, or has it by another name (rename-command): give it back"
	case redisstore.ErrorKind(err) == "auth" && redisstore.OfSentinels(err):
		return "look at redis.sentinel_username and redis.sentinel_password"
	case redisstore.ErrorKind(err) == "auth":
		return "look at redis.username and redis.password"
	}
	return ""
}
