package webhook

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify/crossing"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
)

// standardSecret and what follows are the example of the specification (standard-webhooks/spec).
const standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestSign(t *testing.T) {
	s, err := ParseSecret(standardSecret + "\n")
	if err != nil {
		t.Fatal(err)
	}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := s.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	two, err := ParseSecret("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\r\n\n" + standardSecret)
	if err != nil || len(two) != 2 {
		t.Fatal(err)
	}
	if got := strings.Fields(two.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))); len(got) != 2 || got[1] != want {
		t.Errorf("%q", got)
	}
}

func TestParseSecret(t *testing.T) {
	f := func(text, fault string) {
		t.Helper()
		if _, err := ParseSecret(text); err == nil || !strings.Contains(err.Error(), fault) || strings.Contains(err.Error(), "MfKQ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	f("", "holds no key")
	f("\n", "holds no key")
	f("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "is not whsec_ and base64")
	f("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", "is not whsec_ and base64")
	f("whsec_MfKQ", "3 bytes")
	f(standardSecret+"\nx", "is not whsec_ and base64")
}

// TestDeliver: what a receiver gets.
func TestDeliver(t *testing.T) {
	c, err := crossing.Of([]byte(`{"id":"r/incident/a%b\u0001 ü/1/1","status":"crossed","rule":"r","by":"incident","subject":"x","level":1,"episode":1}`))
	if err != nil {
		t.Fatal(err)
	}
	c.Event.ID = "r/incident/a%25b%01 ü/1/1" // as the header of the record has it
	var got *http.Request
	var text []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		got = req
		text, _ = io.ReadAll(req.Body)
	}))
	secret, err := ParseSecret(standardSecret)
	if err != nil {
		t.Fatal(err)
	}
	sink := &Sink{Client: post.New(nil), URL: s.URL + "/hook", Secret: secret, Now: func() time.Time { return time.Unix(1_700_000_000, 0) }}
	if err := sink.Deliver(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.Close()
	sink.Client.Close()
	const id = "r/incident/a%25b%01%20%C3%BC/1/1"
	h := got.Header
	if h.Get("webhook-id") != id || h.Get("webhook-timestamp") != "1700000000" || h.Get("webhook-signature") != secret.sign(id, "1700000000", text) ||
		h.Get("content-type") != crossing.ContentType || got.Method != http.MethodPost || got.URL.Path != "/hook" || !bytes.Equal(text, c.Structured()) {
		t.Errorf("%s %v: %s", got.URL, h, text)
	}
}

// TestUnsigned: without a secret there is no signature.
func TestUnsigned(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if _, signed := req.Header["Webhook-Signature"]; signed || req.Method == http.MethodPost && req.Header.Get("webhook-id") == "" {
			t.Errorf("%v", req.Header)
		}
	}))
	defer s.Close()
	sink := &Sink{Client: post.New(nil), URL: s.URL}
	defer sink.Client.Close()
	if err := sink.Deliver(t.Context(), crossing.Example(time.Now())); err != nil {
		t.Error(err)
	}
	if err := sink.Reach(t.Context()); err != nil {
		t.Error(err)
	}
}
