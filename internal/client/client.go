package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Client asks one process of `run`, which answers for its whole group.
type Client struct {
	base  *url.URL
	token string // "": none is sent
	http  *http.Client
	ahead atomic.Int64 // how far the server's clock is ahead of this machine's, ns
}

const (
	// answerTimeout is how long an answer may take. A wrong token waits a second for its own.
	answerTimeout = 15 * time.Second
	dialTimeout   = 5 * time.Second
	// clockUnit is as exact as the header Date is.
	clockUnit = 2 * time.Second
)

// New is a client of an address: a URL, or host:port for one of http.
func New(addr, token string) (*Client, error) {
	base, err := parseAddress(addr)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	transport.ResponseHeaderTimeout = answerTimeout
	return &Client{base: base, token: token, http: &http.Client{
		Transport: transport,
		// The token goes to the address that was named, and to no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// parseAddress reads an address. What is refused is not shown: it may hold a password.
func parseAddress(addr string) (*url.URL, error) {
	if strings.HasPrefix(addr, ":") {
		addr = "127.0.0.1" + addr
	}
	if !strings.Contains(addr, "://") {
		addr = "http://" + addr
	}
	u, err := url.Parse(addr)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("it is a URL of http or https without user and query, or host:port, as http://127.0.0.1:8080")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// String is the address.
func (c *Client) String() string { return c.base.String() }

// Close ends connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Now is the time, by the server's clock as its last answer told it.
func (c *Client) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// noteClock compares the clocks. A difference that the header cannot tell is none.
func (c *Client) noteClock(res *http.Response) {
	date, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return
	}
	ahead := time.Until(date)
	if ahead.Abs() < clockUnit {
		ahead = 0
	}
	c.ahead.Store(int64(ahead))
}

// do asks for a path. The answer has the media type wanted; everything else is an error.
func (c *Client) do(ctx context.Context, path string, query url.Values, header http.Header, want string) (*http.Response, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Accept", want)
	req.Header.Set("User-Agent", "aggregator")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	c.noteClock(res)
	if got, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); res.StatusCode == http.StatusOK && got == want {
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.refused(res)
}

// get reads an answer of JSON into v.
func (c *Client) get(ctx context.Context, path string, query url.Values, v any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	res, err := c.do(ctx, path, query, nil, "application/json")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	if err != nil {
		return c.unreached(err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("what %s answers is none of this API: %w", c, err)
	}
	return nil
}

// page is a part of a list.
type page[T any] struct {
	Items []Item[T]  `json:"items"`
	Next  *string    `json:"next"`
	From  *time.Time `json:"from"` // how far back a list of crossings reaches
}

// list reads the first items of a list, most at most; 0: all.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, most int) (items []Item[T], from *time.Time, err error) {
	query = maps.Clone(query)
	for {
		limit := pageMost
		if most > 0 {
			limit = min(limit, most-len(items))
		}
		query.Set("limit", fmt.Sprint(limit))
		var p page[T]
		if err := c.get(ctx, path, query, &p); err != nil {
			return nil, nil, err
		}
		if items = append(items, p.Items...); from == nil {
			from = p.From
		}
		if p.Next == nil || most > 0 && len(items) >= most {
			return slices.Clip(items), from, nil
		}
		query.Set("after", *p.Next)
	}
}
