package main

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

const httpToken = "t0ken.of+the/test=="

// TestHTTPDefaults: nobody but this machine is served unless the config says so.
func TestHTTPDefaults(t *testing.T) {
	c := defaultConfig()
	host, _, err := net.SplitHostPort(c.listen)
	if ip := net.ParseIP(host); err != nil || !ip.IsLoopback() {
		t.Errorf("the default is to listen at %s", host)
	}
	if c.auth.Pause != httpserver.DefaultPause {
		t.Error("the config has another pause")
	}
}

func TestToken(t *testing.T) {
	f := func(want, text string) {
		t.Helper()
		s := &session{err: t.Output()}
		_, bad := s.loadConfig(servers.WriteFile(t, "c.yaml", text))
		if want == "" && bad != nil || want != "" && (len(bad) != 1 || !strings.Contains(bad[0], want)) || strings.Contains(fmt.Sprint(bad), "hunter2") {
			t.Errorf("got %q, want %q", bad, want)
		}
	}
	f("", "http: {token: "+httpToken+"}")
	f("", "http: {token_file: "+servers.WriteFile(t, "token", httpToken+"\n")+"}")
	f("http.token: a token is 16 and more letters", "http: {token: hunter2}")
	f("http.token: a token is 16 and more letters", "http: {token: \"hunter2 hunter2 hunter2\"}")
	f("http.token_file: a token is 16 and more letters", "http: {token_file: "+servers.WriteFile(t, "token", "hunter2")+"}")
	f("http.token_file: ", "http: {token_file: /nowhere}")
	f("is empty", "http: {token_file: "+servers.WriteFile(t, "token", "\n")+"}")
	f("given twice", "http: {token: "+httpToken+", token_file: "+servers.WriteFile(t, "token", httpToken)+"}")
}

func TestHostFaults(t *testing.T) {
	f := func(want, text string) {
		t.Helper()
		_, bad := (&session{err: t.Output()}).loadConfig(servers.WriteFile(t, "c.yaml", "http: {"+text+"}"))
		if want == "" && bad != nil || want != "" && (len(bad) != 1 || !strings.Contains(bad[0], want)) || strings.Contains(bad.Error(), "hunter2") {
			t.Errorf("%s: got %q, want %q", text, bad, want)
		}
	}
	f("", `external_url: "https://board.example:8443/counts/", hosts: [proxy.example, "::1", 192.0.2.7]`)
	f("http.external_url: write a URL", "external_url: board.example")
	f("http.external_url: write a URL", `external_url: "ftp://board.example"`)
	f("http.external_url: write a URL", `external_url: "https://me:hunter2@board.example"`)
	f("http.external_url: write a URL", `external_url: "https:///x"`)
	f("http.hosts[1]: write a name or an address", `hosts: [a, "b:8080"]`)
	f("http.hosts[0]: write a name or an address", `hosts: ["https://b"]`)
	f("http.hosts[0]: write a name or an address", `hosts: [""]`)
}
