package post

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestServer: a 400 is final from one that has taken something, or by a body of the API's own; never if it is about the setup.
func TestServer(t *testing.T) {
	status, text := 0, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	defer s.Close()
	c := New(nil)
	defer c.Close()
	server := func() *Server {
		return &Server{
			Client: c, Own: func(body []byte) bool { return bytes.HasPrefix(body, []byte("own")) },
			Setup: func(body []byte) bool { return bytes.Contains(body, []byte("key")) },
		}
	}
	x := server()
	f := func(code int, body string, final bool) {
		t.Helper()
		status, text = code, body
		if err := x.Do(t.Context(), s.URL, "text/plain", nil); Final(err) != final {
			t.Errorf("%d %s: %v, final %v", code, body, err, !final)
		}
	}
	f(400, "other", false)
	f(422, "other", true)
	f(400, "own", true)
	f(400, "other", false)
	f(400, "own: the key is wrong", false)
	f(200, "", false)
	f(400, "other", true)
	f(400, "own: the key is wrong", false)
	x = server()
	x.Setup = nil
	f(400, "own: the key is wrong", true)
}

// TestPlain: a server of TLS that is told by http answers 400, and would answer that for ever.
func TestPlain(t *testing.T) {
	c := New(nil)
	defer c.Close()
	f := func(url string) {
		t.Helper()
		err := c.Do(t.Context(), url, "text/plain", nil)
		if err == nil || Final(err) || Kind(err) != kindTLS {
			t.Errorf("%v, final %v, kind %s", err, Final(err), Kind(err))
		}
	}
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	f("http" + strings.TrimPrefix(secure.URL, "https"))
	for _, text := range []string{ // of nginx, and of Apache
		"<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n",
		"<p>Your browser sent a request that this server could not understand.<br />\nReason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, http.StatusBadRequest) }))
		f(s.URL)
		s.Close()
	}
}
