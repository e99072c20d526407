package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/segmentio/kafka-go"
)

func TestErrorKind(t *testing.T) {
	f := func(err error, want string) {
		t.Helper()
		if err != nil {
			err = fmt.Errorf("fetch events/0: %w", err)
		}
		if got := ErrorKind(err); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
		if want != "" && !slices.Contains(Kinds(), want) {
			t.Errorf("%s is not among the kinds", want)
		}
	}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	f(nil, "")
	f(context.Canceled, "")
	f(dial(context.Canceled), "")
	f(context.DeadlineExceeded, "timeout")
	f(dial(os.ErrDeadlineExceeded), "timeout")
	f(kafka.RequestTimedOut, "timeout")
	f(dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "refused")
	f(dial(&net.DNSError{Err: "no such host", IsNotFound: true}), "refused")
	f(fmt.Errorf("broker 1: %w", kafka.BrokerNotAvailable), "refused")
	f(&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "broken")
	f(io.EOF, "broken")
	f(io.ErrUnexpectedEOF, "broken")
	f(net.ErrClosed, "broken")
	f(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}, "tls")
	f(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "tls")
	f(kafka.SASLAuthenticationFailed, "auth")
	f(kafka.TopicAuthorizationFailed, "auth")
	f(kafka.NotLeaderForPartition, "leader")
	f(kafka.GroupCoordinatorNotAvailable, "coordinator")
	f(kafka.RebalanceInProgress, "rebalance")
	f(kafka.UnknownTopicOrPartition, "topic")
	f(kafka.OffsetOutOfRange, "offset")
	f(errHollow, "corrupt")
	f(kafka.NotEnoughReplicasAfterAppend, "replicas")
	f(kafka.MessageSizeTooLarge, "size")
	f(kafka.InvalidRequest, "other")
	f(errors.New("anything"), "other")
}
