package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"
)

// Answer is one that is not 2xx.
type Answer struct {
	Status     int
	RetryAfter time.Duration // for how long the server wants to be left alone; 0: it does not say
	Text       string        // the beginning of what it says

	body     []byte // as far as it was read
	doubtful bool   // it may not be from whom it seems to be, or not about this body: not final
}

func (a *Answer) Error() string {
	text := fmt.Sprintf("the answer is %d %s", a.Status, http.StatusText(a.Status))
	if a.Text != "" {
		text += fmt.Sprintf(": %q", a.Text)
	}
	return text
}

// finals are the statuses by which a server says that this body will never be taken.
var finals = []int{
	http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
}

// Final reports whether to try again would be in vain.
func Final(err error) bool {
	a, is := errors.AsType[*Answer](err)
	return is && !a.doubtful && slices.Contains(finals, a.Status)
}

// plains are what servers of TLS say in a 400 to whom speaks plain HTTP: Go's, nginx and Apache.
var plains = []string{"HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port", "plain HTTP to an SSL-enabled server port"}

// plain reports whether a server says that it speaks TLS alone.
func (a *Answer) plain() bool {
	return a.Status == http.StatusBadRequest && slices.ContainsFunc(plains, func(s string) bool { return bytes.Contains(a.body, []byte(s)) })
}

// Pause is for how long the server wants to be left alone.
func Pause(err error) time.Duration {
	if a, is := errors.AsType[*Answer](err); is {
		return a.RetryAfter
	}
	return 0
}

// Kinds are the kinds of failures, by which they are counted.
var Kinds = []string{kindTimeout, kindTLS, kindNoAnswer, kindRedirect, kindRate, kindClient, kindServer}

const (
	kindTimeout  = "timeout"
	kindTLS      = "tls"
	kindNoAnswer = "no-answer" // no address, no connection, or it broke
	kindRedirect = "redirect"
	kindRate     = "rate-limit"
	kindClient   = "client-error"
	kindServer   = "server-error"
)

// Kind is the kind of a failure.
func Kind(err error) string {
	if a, is := errors.AsType[*Answer](err); is {
		if a.plain() {
			return kindTLS
		}
		return kindOf(a.Status)
	}
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var slow net.Error
	switch {
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return kindTLS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return kindTimeout
	}
	return kindNoAnswer
}

func kindOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return kindRate
	case status/100 == 3:
		return kindRedirect
	case status/100 == 4:
		return kindClient
	}
	return kindServer
}
