package redis

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

	goredis "github.com/redis/go-redis/v9"
)

// reply is an error reply of a server.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

// errorKinds are all the values of ErrorKind.
var errorKinds = append(Kinds(), kindCanceled)

func TestRetryable(t *testing.T) {
	f := func(err error, kind string, retryable bool) {
		t.Helper()
		if err != nil {
			err = fmt.Errorf("commit shard 7: %w", err)
		}
		if ErrorKind(err) != kind || Retryable(err) != retryable {
			t.Errorf("%v: got %s, retryable %v, want %s, %v", err, ErrorKind(err), Retryable(err), kind, retryable)
		}
		if err != nil && !slices.Contains(errorKinds, kind) {
			t.Errorf("%s is not among the kinds", kind)
		}
	}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	f(nil, "", false)
	f(context.Canceled, "canceled", false)
	f(goredis.ErrClosed, "canceled", false)
	f(dial(context.Canceled), "canceled", false)
	f(context.DeadlineExceeded, "timeout", true)
	f(os.ErrDeadlineExceeded, "timeout", true)
	f(goredis.ErrPoolTimeout, "timeout", true)
	f(goredis.ErrPoolExhausted, "timeout", true)
	f(dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "refused", true)
	f(reply("ERR max number of clients reached"), "refused", true)
	f(reply("ERR max number of clients + cluster connections reached"), "refused", true)
	f(dial(&net.DNSError{Err: "no such host", IsNotFound: true}), "broken", true)
	f(&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "broken", true)
	f(io.EOF, "broken", true)
	f(io.ErrUnexpectedEOF, "broken", true)
	f(net.ErrClosed, "broken", true)
	f(errors.Join(dial(syscall.ECONNREFUSED), goredis.Nil), "refused", true) // of several Sentinels
	f(reply("LOADING Redis is loading the dataset in memory"), "loading", true)
	f(reply("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."), "loading", true)
	f(reply("READONLY You can't write against a read only replica. script: 0, on @user_script:36."), "readonly", true)
	f(reply("ERR Error running script (call to f_0): @user_script:36: -READONLY You can't write against a read only replica."),
		"readonly", true)
	f(reply("OOM command not allowed when used memory > 'maxmemory'."), "oom", true)
	f(reply("ERR Error running script (call to f_0): @user_script:36: -OOM command not allowed"), "oom", true)
	f(reply("BUSY Redis is busy running a script."), "busy", true)
	f(reply("MISCONF Redis is configured to save RDB snapshots"), "misconf", true)
	f(reply("NOREPLICAS Not enough good replicas to write."), "noreplicas", true)
	f(reply("CLUSTERDOWN Hash slot not served"), "cluster", true)
	f(reply("TRYAGAIN Multiple keys request during rehashing of slot"), "cluster", true)
	f(reply("MOVED 3999 127.0.0.1:6381"), "cluster", true)
	f(reply("ASK 3999 127.0.0.1:6381"), "cluster", true)
	f(errors.New("redis: cluster has no nodes"), "cluster", true)
	f(reply("CROSSSLOT Keys in request don't hash to the same slot"), "cluster", false)
	f(reply("WRONGPASS invalid username-password pair or user is disabled."), "auth", false)
	f(reply("ERR invalid password"), "auth", false)
	f(reply("NOAUTH Authentication required."), "auth", false)
	f(reply("NOPERM this user has no permissions to run the 'evalsha' command"), "auth", false)
	f(reply("ERR The user executing the script can't run this command or subcommand script: 0cff, on @user_script:31."), "auth", false)
	f(reply("WRONGTYPE Operation against a key holding the wrong kind of value"), "other", false)
	f(reply("BUSYKEY Target key name already exists."), "other", false)
	f(reply("ERR unknown command 'EVALSHA'"), "other", false)
	f(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}, "tls", false)
	f(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "tls", false)
	f(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "tls", false)
	f(errors.New("unexpected reply"), "other", false)
}
