package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Timeout bounds a request, from dialling to the end of the answer.
const Timeout = 15 * time.Second

// Client sends requests. It may be used by several goroutines.
type Client struct{ http *http.Client }

// New makes a client; tls may be nil. Proxies are those of the environment, as HTTPS_PROXY.
func New(tls *tls.Config) *Client {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:     tls,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     30 * time.Second, // shorter than what servers and balancers allow
	}
	return &Client{&http.Client{
		Transport: transport, Timeout: Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close gives the connections back that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do sends a body. It is taken if the answer is 2xx; otherwise the error is an *Answer, or there was none.
func (c *Client) Do(ctx context.Context, to, contentType string, body []byte, headers ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return hide(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header[headers[i]] = []string{headers[i+1]}
	}
	return c.send(req)
}

// Reach reports whether a server answers. Whatever it says will do: a request that only asks tells nothing of one that sends.
func (c *Client) Reach(ctx context.Context, to string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, to, nil)
	if err != nil {
		return hide(err)
	}
	res, err := c.do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func (c *Client) do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", "aggregator-notify")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, hide(err)
	}
	return res, nil
}

// Get asks for a page, which must be there.
func (c *Client) Get(ctx context.Context, from string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return hide(err)
	}
	return c.send(req)
}

func (c *Client) send(req *http.Request) error {
	res, err := c.do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	if res.StatusCode/100 == 2 { // however its text ends
		return nil
	}
	if err != nil {
		text = nil
	}
	a := &Answer{Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()), Text: firstLine(text), body: text}
	if a.plain() {
		a.doubtful, a.Text = true, "it speaks TLS alone, and the URL begins with http:"
	}
	return a
}

// hide takes the URL out of an error: it may hold a password, or be a secret as a whole.
func hide(err error) error {
	if e, is := errors.AsType[*url.Error](err); is {
		return fmt.Errorf("post: %w", e.Err)
	}
	return err
}

// Host is what may be shown of a URL.
func Host(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return "?"
	}
	return u.Scheme + "://" + u.Host
}

// firstLine is what a log shows of an answer.
func firstLine(text []byte) string {
	const most = 200
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(text), "?")), "\n")
	if r := []rune(line); len(r) > most {
		line = string(r[:most])
	}
	return line
}

// MostRetryAfter is the longest time that a server is left alone because it asks for that.
const MostRetryAfter = time.Hour

// retryAfter reads the header: seconds, or a date. 0: it asks for nothing.
func retryAfter(text string, now time.Time) time.Duration {
	if text == "" {
		return 0
	}
	pause := time.Duration(0)
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		pause = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		pause = at.Sub(now)
	}
	return min(max(pause, 0), MostRetryAfter)
}
