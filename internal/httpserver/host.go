package httpserver

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// onLoopback reports whether only this machine reaches an address.
func onLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// known refuses a Host that is not ours. A page of somebody else can make its own name lead to this
// machine. A browser would then let it read what is served here to this machine alone.
func (a Auth) known(inner http.Handler, m *Metrics) http.Handler {
	names := a.Hosts
	if u, err := url.Parse(a.ExternalURL); err == nil && u.Hostname() != "" {
		names = append(slices.Clone(names), u.Hostname())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOf(r.Host)
		ours := func(name string) bool { return strings.EqualFold(name, host) }
		if host == "" || IsLoopbackName(host) || slices.ContainsFunc(names, ours) { // no browser leaves it out
			inner.ServeHTTP(w, r)
			return
		}
		m.refuse(refusedHost)
		deny(w, r, http.StatusMisdirectedRequest, "the host asked for is not one of this server: put the name by which it is reached into http.hosts or http.external_url")
	})
}

// sameOrigin refuses what another site's page makes a browser change.
func (a Auth) sameOrigin(inner http.Handler, m *Metrics) http.Handler {
	p := http.NewCrossOriginProtection()
	if u, err := url.Parse(a.ExternalURL); err == nil && u.Host != "" {
		if err := p.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			panic("BUG: the config let an address through: " + err.Error())
		}
	}
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.refuse(refusedOrigin)
		deny(w, r, http.StatusForbidden, "this was asked by a page of another site")
	}))
	return p.Handler(inner)
}

// hostOf is a Host header without its port, the brackets of an address and the point at a name's end.
func hostOf(text string) string {
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	}
	return strings.TrimSuffix(host, ".")
}

// IsLoopbackName reports whether a host of a URL or of an address, without its port, is this machine.
func IsLoopbackName(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	name := strings.ToLower(host)
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// CheckHost checks one of Auth.Hosts.
func CheckHost(s string) error {
	if hostOf(s) != s || s == "" || strings.ContainsAny(s, "/@ *") {
		return errors.New("write a name or an address without scheme, port and path, as aggregator.example")
	}
	return nil
}

// CheckExternalURL checks Auth.ExternalURL.
func CheckExternalURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("write a URL of http or https without user, query and fragment, as https://aggregator.example") // which is not shown: it may hold a password
	}
	return nil
}
