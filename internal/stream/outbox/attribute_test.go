package outbox

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// forbidden is what CloudEvents 1.0 forbids in an attribute.
var forbidden = regexp.MustCompile(`[\x00-\x1f\x7f-\x{9f}\x{fdd0}-\x{fdef}\x{fffe}\x{ffff}\x{1fffe}\x{1ffff}\x{10fffe}\x{10ffff}]`)

func TestAttributeText(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		if got := attributeText(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
	f("", "")
	f("r/incident/inc-42/1/0.5", "r/incident/inc-42/1/0.5")
	f("r/incident/事件 \"a\" \u202e/1/1", "r/incident/事件 \"a\" \u202e/1/1") // CloudEvents forbids none of this
	f("x\r\nSet-Cookie: a=b", "x%0D%0ASet-Cookie: a=b")
	f("\x00\x1b\x1f\x7f", "%00%1B%1F%7F")
	f("\u0080\u009b\u009f\u00a0", "%C2%80%C2%9B%C2%9F\u00a0")
	f("%", "%25")
	f("%0A%", "%250A%25")
	f("\ufdd0\uffff\U0010fffe\ufffd", "%EF%B7%90%EF%BF%BF%F4%8F%BF%BE\ufffd")
}

// TestAttributes: every id, whatever is in it, stands in headers as CloudEvents allows, and only it decodes from them.
func TestAttributes(t *testing.T) {
	ids := []string{"a", "a\n", "a%0A", "a%250A", "a%", "%", "\r\nSet-Cookie: a=b", "\x00", "\x1b[2J", "\u009b2J", "\u202e", "\uffff", "é\u007f", "a/b", "{}", " "}
	seen := map[string]string{}
	for _, structured := range []bool{false, true} {
		p := &KafkaPublisher{Structured: structured, EventsFrom: SourceOf("a b")}
		for _, id := range ids {
			value, err := json.Marshal(map[string]any{"id": "r/incident/" + id + "/1/1", "by": "incident", "subject": id, "status": "crossed", "level": 1})
			if err != nil {
				t.Fatal(err)
			}
			e, err := ParseEntry(storedEntry(0, value))
			if err != nil {
				t.Fatal(err)
			}
			m := p.Message(&e, 0)
			attributes := map[string]string{}
			for _, h := range m.Headers {
				attributes[strings.TrimPrefix(h.Key, "ce_")] = string(h.Value)
			}
			if structured {
				var event struct{ ID, Subject, Source string }
				if err := json.Unmarshal(m.Value, &event); err != nil {
					t.Fatal(err)
				}
				attributes = map[string]string{"id": event.ID, "subject": event.Subject, "source": event.Source}
			}
			if attributes["source"] != "/aggregator/a%20b" {
				t.Errorf("source %q", attributes["source"])
			}
			if string(m.Key) != "incident/"+id {
				t.Errorf("%q: key %q", id, m.Key)
			}
			for name, want := range map[string]string{"id": e.ID, "subject": "incident/" + id} {
				got := attributes[name]
				if back, err := url.PathUnescape(got); err != nil || back != want || forbidden.MatchString(got) || !utf8.ValidString(got) {
					t.Errorf("%q: %s is %q, which is %q, %v", id, name, got, back, err)
				}
			}
			if other, taken := seen[attributes["id"]]; taken && other != id {
				t.Errorf("%q and %q have the id %q", id, other, attributes["id"])
			}
			seen[attributes["id"]] = id
		}
	}
}

// TestPublishedIsKnown: a crossing whose id cannot stand in a header as it is, is known at the end of the topic all the same.
func TestPublishedIsKnown(t *testing.T) {
	l := &lateTopic{}
	id := "r/incident/a\n%/1/1"
	for range 2 {
		p := l.publisher(t) // another process
		p.Structured = true
		if err := p.LoadRecent(t.Context(), 0, 1); err != nil {
			t.Fatal(err)
		}
		if err := p.Write(t.Context(), time.Time{}, 0, entriesOf(id)); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.ids) != 1 || l.ids[0] != "r/incident/a%0A%25/1/1" {
		t.Errorf("published: %q", l.ids)
	}
}

// TestSourceOf: of every name of a group the source is a URI reference that means the group and nothing else.
func TestSourceOf(t *testing.T) {
	f := func(group string) {
		t.Helper()
		source := SourceOf(group)
		u, err := url.Parse(source)
		if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
			t.Errorf("%q: %q is %+v, %v", group, source, u, err)
			return
		}
		for i := range len(source) { // RFC 3986: pchar and /
			if c := source[i]; !strings.ContainsRune("-._~!$&'()*+,;=:@%/", rune(c)) && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
				t.Errorf("%q: %q holds %q", group, source, c)
			}
		}
		base := url.URL{Scheme: "https", Host: "example.com", Path: "/x/y"}
		parts := strings.Split(base.ResolveReference(u).EscapedPath(), "/")
		if len(parts) != 3 || parts[1] != "aggregator" {
			t.Errorf("%q: %q resolves to %q", group, source, parts)
		} else if name, err := url.PathUnescape(parts[2]); err != nil || name != group {
			t.Errorf("%q: %q names %q, %v", group, source, name, err)
		}
	}
	for _, group := range []string{
		"aggregator", "a b", ".", "..", "...", "a/b", "//host/x", "a?b#c", "a%20b", "%", "%zz", "http://x", "a:b", "a@b", "事件", "\r\n", "\x00", "\xff", "é\u202e", "{}", "",
	} {
		f(group)
	}
	if got := SourceOf("team:prod.eu-1_x"); got != "/aggregator/team:prod.eu-1_x" {
		t.Errorf("got %q", got)
	}
	rnd := rand.New(rand.NewPCG(1, 0))
	for range 10_000 {
		name := make([]byte, rnd.IntN(6))
		for i := range name {
			name[i] = byte(rnd.IntN(256))
		}
		f(string(name))
		f(strings.ToValidUTF8(string(name), "é"))
	}
}
