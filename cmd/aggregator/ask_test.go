package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client/clienttest"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

const goodToken = "a-token-of-the-service"

// TestAsk: what the commands that ask a service print, where, and how they end.
func TestAsk(t *testing.T) {
	s := clienttest.New(t)
	f := func(code int, args []string, out, err string) {
		t.Helper()
		r := call("", nil, append([]string{args[0], "-addr", s.URL}, args[1:]...)...)
		if r.code != code || !strings.Contains(r.out, out) || !strings.Contains(r.err, err) || (out == "") != (r.out == "") || (err == "") != (r.err == "") {
			t.Errorf("%q: got %+v, want %d, %q, %q", args, r, code, out, err)
		}
		if strings.ContainsAny(r.out+r.err, "\x1b\u202e") {
			t.Errorf("%q: it acts on a terminal: %q", args, r.out)
		}
	}
	f(exitFine, []string{"status"}, "counting, 2 partitions, nothing behind\n\ngroup ", "")
	f(exitFine, []string{"status", "-o", "json"}, `"group":"aggregator"`, "")
	f(exitFine, []string{"top"}, "96.4 %", "")
	f(exitFine, []string{"top", "-n", "1"}, "inc-42\n", "")
	f(exitFine, []string{"top", "-rule", "art3-clicks", "-by", "incident"}, "inc-2026-1187\n", "")
	f(exitFine, []string{"top", "-rule", "gone"}, "Nothing that was asked for is near a limit", "")
	f(exitFine, []string{"top", "-o", "json"}, `\u202etxt.exe\u001b[2J`, "")
	f(exitFine, []string{"show", "incident/inc-42"}, "aggregator verify -config FILE -subject incident/inc-42\n", "")
	f(exitFine, []string{"show", "incident/谣言-长江大桥-0417"}, "\n           1,763 / 2,000 accounts\n", "")
	f(exitFine, []string{"show", "incident/<b>/a b\u202etxt.exe\x1b[2J"}, "≥ 860 / 2,000 accounts", "")
	f(exitFine, []string{"show", "-o", "json", "incident/inc-42"}, `"subject":"inc-42"`, "")
	f(exitFailed, []string{"show", "incident/nobody"}, "", "show: nothing is counted of this incident: it may have had no event yet, or its windows are empty and it was forgotten\n")
	f(exitFailed, []string{"show", "account/inc-42"}, "", "nothing is counted of this account")
	f(exitFine, []string{"crossings"}, "incident inc-7: cleared\n", "")
	f(exitFine, []string{"crossings", "-n", "1"}, "incident inc-42: clicks 50000 of 50,000 in 731d\n", "")
	f(exitFine, []string{"crossings", "-status", "cleared", "-by", "incident", "-subject", "inc-7", "-rule", "art3-clicks", "-since", "90m"}, "incident inc-7: cleared\n", "")
	f(exitFine, []string{"crossings", "-subject", "nobody"}, "No crossing is as asked for. The list reaches back to 2026-10-30T00:00:00Z.\n", "")
	f(exitFine, []string{"crossings", "-o", "json"}, `"offset":3000,`, "")

	s.Set(func(a *clienttest.Answers) { a.Ready = "running: ok\nredis: connection refused\n" })
	f(exitFailed, []string{"status"}, "not right: the process that answers: redis: connection refused\n\ngroup ", "")
	f(exitFailed, []string{"status", "-o", "json"}, `"group":"aggregator"`, "not right: the process that answers: redis: connection refused\n")
	behind := clienttest.Usual().Status
	behind["partitions"] = []clienttest.Object{clienttest.Partition(0, 30)}
	s.Set(func(a *clienttest.Answers) { a.Ready, a.Status = "running: ok\n", behind })
	f(exitFine, []string{"status"}, "counting, 1 partition, 30 records behind, the oldest since 30s\n", "")
	f(exitFailed, []string{"status", "-max-lag", "15s"}, "not right: 30 records behind, the oldest since 30s\n", "")

	refuse := func(status int, detail string) {
		s.Set(func(a *clienttest.Answers) {
			a.Ready = "kafka: no broker answers\n"
			a.Refusal = &clienttest.Refusal{Status: status, Detail: detail, After: 5}
		})
	}
	refuse(503, "kafka does not answer\x1b")
	f(exitFailed, []string{"status"}, "not right: kafka does not answer\\u001b; ask again in 5s\nnot right: kafka: no broker answers\n", "")
	f(exitFailed, []string{"status", "-o", "json"}, "", "not right: kafka: no broker answers\n")
	refuse(503, "kafka does not answer")
	for _, args := range [][]string{{"top"}, {"show", "incident/inc-42"}, {"crossings"}, {"crossings", "-f"}} {
		f(exitFailed, args, "", "aggregator: "+args[0]+": kafka does not answer; ask again in 5s\n")
	}
	for _, status := range []int{400, 503} { // what a server says does not act on the terminal
		refuse(status, "parameter by: \x1b]0;x\a\u202e")
		for _, args := range [][]string{{"top"}, {"show", "incident/inc-42"}, {"crossings"}, {"crossings", "-f"}} {
			r := call("", nil, append([]string{args[0], "-addr", s.URL}, args[1:]...)...)
			if r.code == exitFine || !strings.Contains(r.err, `\u001b]0;x\u0007\u202e`) || strings.ContainsAny(r.err, "\x1b\a\u202e") {
				t.Errorf("%d, %q: got %+v", status, args, r)
			}
		}
	}
	refuse(404, "nothing\x1b]0;x\a")
	f(exitFailed, []string{"show", "incident/inc-42"}, "", `show: nothing\u001b]0;x\u0007: it may`)
	refuse(400, "parameter by: it is a kind of subject: incident, account, content or group")
	for _, args := range [][]string{{"top", "-by", "x"}, {"crossings", "-by", "x"}} {
		f(exitUsage, args, "", "aggregator: "+args[0]+": parameter by: it is a kind of subject: incident, account, content or group\nusage: ")
	}
}

// TestAskJSON: lists are a record a line, as it is.
func TestAskJSON(t *testing.T) {
	s := clienttest.New(t)
	for command, want := range map[string][]clienttest.Object{"top": s.Answers().Rows, "crossings": s.Answers().Crossings} {
		got := lines(call("", nil, command, "-addr", s.URL, "-o", "json").out)
		if len(got) != len(want) {
			t.Fatalf("%s: %d lines, want %d", command, len(got), len(want))
		}
		for i := range got {
			var a, b any
			text, err := json.Marshal(want[i])
			if err != nil || json.Unmarshal(text, &a) != nil || json.Unmarshal([]byte(got[i]), &b) != nil {
				t.Fatalf("%s: %s, %v", command, got[i], err)
			}
			one, _ := json.Marshal(a)
			other, _ := json.Marshal(b)
			if string(one) != string(other) {
				t.Errorf("%s: got %s, want %s", command, other, one)
			}
		}
	}
}

// TestAskWhom: where the address and the token come from, and what takes the place of what.
func TestAskWhom(t *testing.T) {
	s := clienttest.New(t)
	s.Set(func(a *clienttest.Answers) { a.Token = goodToken })
	host := strings.TrimPrefix(s.URL, "http://")
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good, bad := file("good.token", goodToken+"\n"), file("bad.token", "another-token-0123\n")
	config := file("good.yaml", "http: {listen: \""+host+"\", token_file: good.token}\nredis: {password_file: not-here}\n")
	anywhere := file("anywhere.yaml", "http: {listen: \":"+port+"\", token: "+goodToken+"}\n")
	wrong := file("wrong.yaml", "http: {listen: \"127.0.0.1:1\", token_file: bad.token}\n")
	f := func(code int, environ string, args ...string) {
		t.Helper()
		r := call("", strings.Fields(environ), append([]string{"status"}, args...)...)
		if r.code != code || strings.Contains(r.err, "warning") || strings.Contains(r.err, goodToken) {
			t.Errorf("%q %q: got %+v, want %d", environ, args, r, code)
		}
	}
	f(exitFine, "", "-addr", s.URL, "-token-file", good)
	f(exitFine, "", "-addr", host, "-token-file", good)
	f(exitFine, "", "-config", config) // although it may not read all that this names
	f(exitFine, "", "-config", anywhere)
	f(exitFine, "AGGREGATOR_ADDR="+s.URL+" AGGREGATOR_HTTP_TOKEN="+goodToken)
	f(exitFine, "AGGREGATOR_HTTP_LISTEN="+host+" AGGREGATOR_HTTP_TOKEN_FILE="+good)
	f(exitFine, "AGGREGATOR_ADDR=127.0.0.1:1 AGGREGATOR_HTTP_TOKEN_FILE="+bad, "-addr", s.URL, "-token-file", good)
	f(exitFine, "AGGREGATOR_ADDR="+s.URL+" AGGREGATOR_HTTP_TOKEN="+goodToken, "-config", wrong)
	f(exitFine, "", "-config", wrong, "-addr", s.URL, "-token-file", good)
	f(exitFailed, "", "-addr", s.URL)
	f(exitFailed, "", "-addr", s.URL, "-token-file", bad)
	f(exitFailed, "", "-config", wrong)
	f(exitFailed, "AGGREGATOR_ADDR=127.0.0.1:1", "-config", config)

	f(exitUsage, "", "-addr", s.URL, "-token-file", filepath.Join(dir, "no.token"))
	f(exitUsage, "", "-addr", s.URL, "-token-file", file("short.token", "x"))
	f(exitUsage, "", "-addr", "ftp://x")
	f(exitUsage, "AGGREGATOR_ADDR=ftp://x")
	f(exitUsage, "", "-config", filepath.Join(dir, "no.yaml"))
	f(exitUsage, "", "-config", file("free.yaml", "http: {listen: \"127.0.0.1:0\"}\n"))
	f(exitUsage, "", "-config", file("odd.yaml", "http: {lisen: x}\n"))
}

func TestReachable(t *testing.T) {
	f := func(listen, want string) {
		t.Helper()
		if got, err := reachable(listen); got != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %q, %v", listen, got, err)
		}
	}
	f("127.0.0.1:8080", "http://127.0.0.1:8080")
	f(":8080", "http://127.0.0.1:8080")
	f("0.0.0.0:8080", "http://127.0.0.1:8080")
	f("[::]:8080", "http://[::1]:8080")
	f("[fd00::7]:8080", "http://[fd00::7]:8080")
	f("aggregator.example:8080", "http://aggregator.example:8080")
	f("127.0.0.1:0", "")
	f("8080", "")
}

// TestCrossingsFollowed: what came before, then what comes, each once, and what happens to the connection on stderr.
func TestCrossingsFollowed(t *testing.T) {
	noLeaks(t)
	s := clienttest.New(t)
	p := start(t, nil, "crossings", "-f", "-addr", s.URL, "-rule", "art3-clicks", "-n", "2")
	await := func(o *servers.Output, text string) {
		t.Helper()
		o.Await(t, limit, text, func(all string) bool { return strings.Contains(all, text) })
	}
	await(p.out, "谣言-长江大桥-0417: clicks 40000 of 50,000 in 731d\nevent 2026-11-30T10:00:03Z  critical  1      art3-clicks  incident inc-42: clicks 50000")
	s.Push(clienttest.Push{Name: "crossing", ID: "p2:3001", Data: s.Answers().Crossings[0]}) // which came in between
	other := clienttest.Crossed("inc-8", 1, 50_000, 3001)
	other["rule"] = "another"
	s.Push(clienttest.Push{Name: "crossing", ID: "p2:3002", Data: other})
	s.Push(clienttest.Push{Name: "crossing", ID: "p2:3003", Data: clienttest.Crossed("inc-9", 0.8, 40_000, 3002)})
	await(p.out, "incident inc-9: clicks 40000")
	s.Cut()
	await(p.err, "crossings: connection lost: the server ended the stream; trying again in ")
	await(p.err, "crossings: connected again\n")
	s.Push(clienttest.Push{Name: "gap", Data: clienttest.Object{"from": "2026-11-30T10:00:00Z"}})
	await(p.err, "crossings: gap: crossings that came meanwhile, before 2026-11-30T10:00:00Z, are missing here; the crossings topic has them all\n")
	s.Push(clienttest.Push{Name: "problem", Data: clienttest.Object{"type": "about:blank", "title": "x", "status": 503, "detail": "redis: away"}})
	await(p.err, "the service does not know what comes, and goes on by itself: redis: away\n")
	s.Push(clienttest.Push{Name: "status", Data: s.Answers().Status})
	await(p.err, "the service has its servers again\n")
	p.stop()
	if code := p.exit(t); code != exitFine || strings.Count(p.out.String(), "\n") != 3 {
		t.Errorf("got %d\n%s%s", code, p.out.String(), p.err.String())
	}

	json := start(t, nil, "crossings", "-f", "-addr", s.URL, "-o", "json", "-n", "0")
	servers.Await(t, limit, time.Millisecond, "the third connection", func() bool { _, connected := s.Resumed(3); return connected })
	s.Push(clienttest.Push{Name: "crossing", ID: "p2:3003", Data: clienttest.Crossed("inc-9", 0.8, 40_000, 3002)})
	await(json.out, `"offset":3002,`)
	json.stop()
	if code := json.exit(t); code != exitFine || strings.Count(json.out.String(), "\n") != 1 {
		t.Errorf("got %d\n%s%s", code, json.out.String(), json.err.String())
	}
}

// TestAskClosedOutput: an output that cannot be written is a failure.
func TestAskClosedOutput(t *testing.T) {
	s := clienttest.New(t)
	for _, args := range [][]string{{"status"}, {"status", "-o", "json"}, {"top"}, {"top", "-o", "json"}, {"crossings"}, {"crossings", "-o", "json"}, {"crossings", "-f"}, {"crossings", "-f", "-o", "json"}} {
		var err strings.Builder
		code := run(t.Context(), append(args, "-addr", s.URL), strings.NewReader(""), failingWriter{}, &err, nil)
		if code != exitFailed || !strings.Contains(err.String(), "closed pipe") {
			t.Errorf("%q: got %d, %s", args, code, err.String())
		}
	}
}
