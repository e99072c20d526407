package fetch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/segmentio/kafka-go"
)

// ErrClosed is returned by Next after the stream or its client was closed.
var ErrClosed = errors.New("fetch: closed")

// OutOfRange is returned by Next when the log does not hold the offset asked for. Either retention
// or DeleteRecords went past it (Offset < Start), or the log lost its end or was recreated (Offset
// > End). The stream stays where it is until SeekTo.
type OutOfRange struct {
	Topic      string
	Partition  int
	Offset     int64 // asked for
	Start, End int64 // the log's first offset, and the one after its last stable record
}

func (e *OutOfRange) Error() string {
	return fmt.Sprintf("fetch %s/%d at offset %d: out of range, the log holds [%d,%d)",
		e.Topic, e.Partition, e.Offset, e.Start, e.End)
}

// errHollow is what is found of a batch whose length is not right: the broker answers as if nothing were there.
var errHollow = errors.New("the broker gives nothing of it, though its log goes on")

// damaged reports errors of a log that no broker can read out.
func damaged(err error) bool {
	return errors.Is(err, errHollow) || isAny(err, kafka.InvalidMessage)
}

// final reports errors that no retry cures, so that Next returns them at once. Every other error is
// retried for Options.Patience first.
func final(err error) bool {
	return Refused(err) || isAny(err, kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed, kafka.UnsupportedVersion, kafka.InvalidTopic) ||
		errors.Is(err, errFetchVersion) || errors.Is(err, errNoBatch)
}

// Refused reports whether client and broker do not accept each other: a certificate or a login is
// wrong.
func Refused(err error) bool {
	var certificate *tls.CertificateVerificationError
	var op *net.OpError // the broker's alert
	return errors.As(err, &certificate) || errors.As(err, &op) && op.Op == "remote error" ||
		isAny(err, kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState)
}

func isAny(err error, these ...kafka.Error) bool {
	return slices.ContainsFunc(these, func(e kafka.Error) bool { return errors.Is(err, e) })
}
