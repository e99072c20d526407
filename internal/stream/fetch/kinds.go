package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/segmentio/kafka-go"
)

// The kinds of errors of Kafka, as ErrorKind names them.
const (
	kindTimeout     = "timeout"     // no answer in time
	kindRefused     = "refused"     // no broker was reached
	kindBroken      = "broken"      // the connection broke
	kindTLS         = "tls"         // certificates do not fit
	kindAuth        = "auth"        // wrong login, or not allowed
	kindLeader      = "leader"      // the partition has no leader, or has moved to another one
	kindCoordinator = "coordinator" // the group has no coordinator, or has moved to another one
	kindRebalance   = "rebalance"   // the group is being shared out anew, or took the member out
	kindTopic       = "topic"       // there is no such topic or partition
	kindOffset      = "offset"      // the log does not hold the offset
	kindCorrupt     = "corrupt"     // the log is damaged there
	kindReplicas    = "replicas"    // fewer replicas in sync than min.insync.replicas
	kindSize        = "size"        // the topic takes no record of that size
	kindOther       = "other"
)

// Kinds are all that ErrorKind returns for an error.
func Kinds() []string {
	return []string{
		kindTimeout, kindRefused, kindBroken, kindTLS, kindAuth, kindLeader, kindCoordinator, kindRebalance, kindTopic, kindOffset,
		kindCorrupt, kindReplicas, kindSize, kindOther,
	}
}

// answers are the errors by which brokers answer, by their kind.
var answers = map[kafka.Error]string{
	kafka.RequestTimedOut:    kindTimeout,
	kafka.BrokerNotAvailable: kindRefused,
	kafka.NetworkException:   kindBroken,

	kafka.SASLAuthenticationFailed:           kindAuth,
	kafka.UnsupportedSASLMechanism:           kindAuth,
	kafka.IllegalSASLState:                   kindAuth,
	kafka.TopicAuthorizationFailed:           kindAuth,
	kafka.GroupAuthorizationFailed:           kindAuth,
	kafka.ClusterAuthorizationFailed:         kindAuth,
	kafka.TransactionalIDAuthorizationFailed: kindAuth,

	kafka.LeaderNotAvailable:    kindLeader,
	kafka.NotLeaderForPartition: kindLeader,
	kafka.ReplicaNotAvailable:   kindLeader,
	kafka.FencedLeaderEpoch:     kindLeader,
	kafka.UnknownLeaderEpoch:    kindLeader,
	kafka.KafkaStorageError:     kindLeader,
	kafka.OffsetNotAvailable:    kindLeader,

	kafka.GroupCoordinatorNotAvailable: kindCoordinator,
	kafka.NotCoordinatorForGroup:       kindCoordinator,
	kafka.GroupLoadInProgress:          kindCoordinator,

	kafka.IllegalGeneration:         kindRebalance,
	kafka.InconsistentGroupProtocol: kindRebalance,
	kafka.UnknownMemberId:           kindRebalance,
	kafka.RebalanceInProgress:       kindRebalance,
	kafka.MemberIDRequired:          kindRebalance,
	kafka.FencedInstanceID:          kindRebalance,

	kafka.UnknownTopicOrPartition: kindTopic,
	kafka.InvalidTopic:            kindTopic,
	kafka.OffsetOutOfRange:        kindOffset,
	kafka.InvalidMessage:          kindCorrupt,

	kafka.NotEnoughReplicas:            kindReplicas,
	kafka.NotEnoughReplicasAfterAppend: kindReplicas,
	kafka.MessageSizeTooLarge:          kindSize,
	kafka.RecordListTooLarge:           kindSize,
}

// ErrorKind says in one word what kind of error Kafka returned, for a metric's label; empty for nil, and where the caller gave up.
func ErrorKind(err error) string {
	var answer kafka.Error
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &answer):
		if kind, ok := answers[answer]; ok {
			return kind
		}
		return kindOther
	case errors.Is(err, errHollow):
		return kindCorrupt
	case Refused(err):
		return kindTLS
	}
	return networkKind(err)
}

func networkKind(err error) string {
	var op *net.OpError
	var network net.Error
	isNetwork := errors.As(err, &network)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &op) && op.Op == "dial" && !op.Timeout():
		return kindRefused
	case errors.Is(err, context.DeadlineExceeded), isNetwork && network.Timeout():
		return kindTimeout
	case isNetwork, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return kindBroken
	}
	return kindOther
}
