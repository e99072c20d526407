package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	goredis "github.com/redis/go-redis/v9"
)

// The kinds of a store's errors, as ErrorKind names them.
const (
	kindTimeout    = "timeout"    // no answer in time, or no free connection
	kindRefused    = "refused"    // nobody listens, or too many clients
	kindBroken     = "broken"     // the connection broke, or the network did
	kindLoading    = "loading"    // the server reads its data, or waits for its master
	kindReadOnly   = "readonly"   // the server is a replica
	kindFull       = "oom"        // maxmemory is reached
	kindBusy       = "busy"       // a script runs
	kindUnsaved    = "misconf"    // the server cannot save, and takes no writes
	kindNoReplicas = "noreplicas" // fewer replicas than min-replicas-to-write
	kindCluster    = "cluster"    // slots without a node, or on the move
	kindAuth       = "auth"       // wrong password, or not allowed
	kindTLS        = "tls"        // certificates do not fit
	kindCanceled   = "canceled"   // by the caller, or the store is closed
	kindOther      = "other"
)

// Kinds are all that ErrorKind returns for an error that no caller asked for.
func Kinds() []string {
	return []string{
		kindTimeout, kindRefused, kindBroken, kindLoading, kindReadOnly, kindFull, kindBusy, kindUnsaved, kindNoReplicas, kindCluster, kindAuth,
		kindTLS, kindOther,
	}
}

// replies are the codes of Redis' error replies that say more than "other". What
// may pass without anybody changing a setting is waited for at a start, and so is what an operator
// cures while the program waits. Once the service runs, every call is tried again, whatever its error.
var replies = []struct {
	code   string
	kind   string
	passes bool
}{
	{"LOADING", kindLoading, true},
	{"MASTERDOWN", kindLoading, true},
	{"READONLY", kindReadOnly, true},
	{"OOM", kindFull, true},
	{"BUSY", kindBusy, true},
	{"MISCONF", kindUnsaved, true},
	{"NOREPLICAS", kindNoReplicas, true},
	{"CLUSTERDOWN", kindCluster, true},
	{"TRYAGAIN", kindCluster, true},
	{"MOVED", kindCluster, true},
	{"ASK", kindCluster, true},
	{"CROSSSLOT", kindCluster, false},
	{"ERR max number of clients", kindRefused, true},
	{"ERR max clients", kindRefused, true},
	{"ERR invalid password", kindAuth, false},
	{"WRONGPASS", kindAuth, false},
	{"NOAUTH", kindAuth, false},
	{"NOPERM", kindAuth, false},
	{"ERR The user executing the script", kindAuth, false}, // may not run a command that the script calls
	{"ERR ACL failure in script", kindAuth, false},
}

// Retryable reports whether an error of a Store may pass, so that a start waits for it.
// Another one is a mistake in the settings, or ours.
func Retryable(err error) bool {
	_, passes := classify(err)
	return passes
}

// ErrorKind says in one word what kind of error a Store returned, for a metric's label;
// empty for nil.
func ErrorKind(err error) string {
	kind, _ := classify(err)
	return kind
}

// sentinelsError is what Sentinels answered when none of them named a master. It has a line for
// each, and often all are the same.
type sentinelsError struct{ error }

// Error says each thing once, in one line.
func (e sentinelsError) Error() string {
	said, lines := strings.CutPrefix(e.error.Error(), sentinelsText+" are unreachable: ")
	if !lines {
		return said
	}
	var each []string
	for line := range strings.SplitSeq(said, "\n") {
		if !slices.Contains(each, line) {
			each = append(each, line)
		}
	}
	return "no Sentinel named the master: " + strings.Join(each, "; ")
}

func (e sentinelsError) Unwrap() error { return e.error }

// sentinelsText is how the client's error begins when no Sentinel named a master. It has no type.
const sentinelsText = "redis: all sentinels specified in configuration"

// oneLine gives an error of the client a text of one line.
func oneLine(err error) error {
	if err != nil && strings.HasPrefix(err.Error(), sentinelsText) {
		return sentinelsError{err}
	}
	return err
}

// OfSentinels reports whether it was Sentinels, not Redis itself, that an error of a Store came from.
func OfSentinels(err error) bool {
	var e sentinelsError
	return errors.As(err, &e)
}

func classify(err error) (kind string, passes bool) {
	if err == nil {
		return "", false
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, goredis.ErrClosed) {
		return kindCanceled, false
	}
	if isTLS(err) {
		return kindTLS, false
	}
	if kind := classifyNetwork(err); kind != "" {
		return kind, true
	}
	var reply goredis.Error
	if errors.As(err, &reply) {
		return classifyReply(reply.Error())
	}
	// The one error of the client's own that has neither a type nor a name: a Cluster being made.
	if strings.Contains(err.Error(), "redis: cluster has no nodes") {
		return kindCluster, true
	}
	return kindOther, false
}

// classifyNetwork returns "" if the error is not the network's.
func classifyNetwork(err error) string {
	var network net.Error
	isNetwork := errors.As(err, &network)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return kindRefused
	case errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, goredis.ErrPoolTimeout),
		errors.Is(err, goredis.ErrPoolExhausted),
		isNetwork && network.Timeout():
		return kindTimeout
	case isNetwork, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return kindBroken
	}
	return ""
}

// isTLS reports whether client and server did not agree on TLS. The server's refusal comes as a
// network error of this Op.
func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var op *net.OpError
	return errors.As(err, &certificate) || errors.As(err, &header) ||
		errors.As(err, &op) && op.Op == "remote error"
}

// classifyReply looks at an error reply. A script's errors begin with the code of the command
// that failed, or before Redis 7 hold it after a "-".
func classifyReply(text string) (kind string, passes bool) {
	for _, r := range replies {
		if text == r.code || strings.HasPrefix(text, r.code+" ") || strings.Contains(text, "-"+r.code+" ") {
			return r.kind, r.passes
		}
	}
	return kindOther, false
}
