package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Problem is what the API answers where it has no answer: RFC 9457.
type Problem struct {
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Parameter string `json:"parameter"` // of the query, where one is bad

	After  time.Duration `json:"-"` // when it is worth asking again; 0: that is not said
	remedy string
}

// Error is the detail, and what can be done.
func (p *Problem) Error() string {
	text := p.Detail
	if p.remedy != "" {
		text += ": " + p.remedy
	}
	if p.After > 0 {
		text += fmt.Sprintf("; ask again in %v", p.After)
	}
	return text
}

// refused is the error of an answer that is none.
func (c *Client) refused(res *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return c.unreached(err)
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	p := &Problem{}
	if kind != "application/problem+json" || json.Unmarshal(body, p) != nil {
		return c.foreign(res, kind)
	}
	p.Status = res.StatusCode
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		p.After = time.Duration(seconds) * time.Second
	}
	switch {
	case p.Status == http.StatusUnauthorized && c.token == "":
		p.Detail, p.remedy = c.String()+" wants a token", "name the file that holds it by -token-file, or the service's config by -config"
	case p.Status == http.StatusUnauthorized:
		p.Detail, p.remedy = c.String()+" refuses the token", "it wants the one of its http.token"
	case p.Status == http.StatusMisdirectedRequest:
		p.Detail, p.remedy = fmt.Sprintf("%s does not go by the name %s", c, c.base.Hostname()), "put it into http.hosts or http.external_url of the service, or ask its address"
	}
	return p
}

// Foreign is the error of an answer that is none of the API.
type Foreign struct {
	Status int
	text   string
}

func (e *Foreign) Error() string { return e.text }

// foreign is the error of an answer that something else gave.
func (c *Client) foreign(res *http.Response, kind string) error {
	if to, err := res.Location(); err == nil {
		return &Foreign{res.StatusCode, fmt.Sprintf("%s sends everybody to %s://%s, and is not followed there: name the address of the service itself by -addr", c, to.Scheme, to.Host)}
	}
	what := strings.TrimSpace(fmt.Sprintf("%d %s", res.StatusCode, kind))
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &Foreign{res.StatusCode, fmt.Sprintf("a proxy answers at %s, and the service behind it does not (%s)", c, what)}
	}
	return &Foreign{res.StatusCode, fmt.Sprintf("what answers at %s is no aggregator, or one without an API (%s): name the http.listen of `aggregator run` by -addr", c, what)}
}

// unreached is the error of a request that nothing answered.
func (c *Client) unreached(err error) error {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: start the service (`aggregator run`), or name its http.listen by -addr", c)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("there is no host %s: name the address of the service by -addr", c.base.Hostname())
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s speaks no TLS: write http:// in place of https://", c)
	case errors.As(err, &authority), errors.As(err, &name):
		return fmt.Errorf("%s shows a certificate that is not trusted: %w (SSL_CERT_FILE names the authorities that are)", c, err)
	case strings.Contains(err.Error(), "malformed HTTP response"), strings.Contains(err.Error(), "readLoopPeekFailLocked"): // it spoke before it was asked
		return fmt.Errorf("%s speaks no HTTP: it may want https://, or it is no aggregator", c)
	}
	var waited net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &waited) && waited.Timeout() {
		return fmt.Errorf("%s does not answer: look whether the service runs, and whether the network leads there", c)
	}
	return fmt.Errorf("ask %s: %w", c, inner(err))
}

// inner is an error without the URL that was asked for, which is long and holds ids.
func inner(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// lasting reports whether an error stays as long as nobody changes anything.
func lasting(err error) bool {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Status < 500
	}
	if f, ok := errors.AsType[*Foreign](err); ok {
		return f.Status < 500
	}
	return false
}
