package browser

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

var aggregator = &servers.Build{Package: "../../cmd/aggregator"}

// looks are the sizes and schemes in which every page is seen.
var looks = []struct {
	width, height int64
	scheme        string
}{{1440, 900, "light"}, {1440, 900, "dark"}, {320, 700, "light"}, {320, 700, "dark"}}

// TestPages: every page has what it is for, in every look, without a fault.
func TestPages(t *testing.T) {
	f := newFake(t)
	f.fill()
	for _, look := range looks {
		name := fmt.Sprintf("%d %s", look.width, look.scheme)
		p := open(t, f.url, look.width, look.height, look.scheme)
		seen := func(page, path string, has ...string) {
			t.Helper()
			p.visit(path)
			for i := 0; i < len(has); i += 2 {
				p.has(has[i], has[i+1])
			}
			p.has("#live-state", "Live")
			p.has("#build", "Group")
			p.sound(page + ", " + name)
			p.shoot(page + " " + name)
		}
		seen("over", "/?min_progress=1", ".rows", "68,655 / 50,000 clicks", ".rows", "137 %", ".rows", "over the limit")
		seen("near", "/", ".rows", "48,211 / 50,000 clicks", ".rows", "in 1 h ", ".old", "as of 4 h ", ".rows", "silent", ".rows", "not rising", ".rows", "not within 731d", ".rows", "no rate yet", ".rows", "谣言-长江大桥-0417", ".rows", "pending 80.0 %",
			".rows", "<img src=x onerror=alert(1)>", ".rows", `\u202etxt.exe\u0007`, ".crossings", "Actual clicks", ".notice", "It is not a finding", "#vitals", "s ago")
		seen("crossings", "/crossings", ".crossings", "inc-42", ".crossings", "○ cleared", ".crossings", "● limit")
		seen("crossing", "/crossings?id="+url.QueryEscape("art3-clicks/incident/inc-42/1/1"), ".evidence", "dissemination-events, partition 3, offset 48003000",
			".evidence", "aggregator verify -config FILE -subject incident/inc-42", ".evidence", "0.1 s after the time of its event", ".evidence", "event time 30 Nov", ".evidence", "not a finding")
		seen("subject", "/subjects/incident/inc-42", ".rows", "68,655 / 50,000 clicks", ".chart figcaption", "clicks over 731d", ".crossings", "● limit", "code", "-subject incident/inc-42")
		seen("rules", "/rules", "table", "Actual clicks", "table", "50,000 clicks", "table", "their shares are added", "table", "At or over", "table", "shadow", "summary", "9 lines", "summary", "▲ Tests passed: 19 of 20.")
		p.do(click("tbody a[href$=':6']"))
		p.await(`document.querySelector("details:target, [open] :target")?.innerText.includes("id: art3-clicks")`)
		p.has(".fault", "want no more")
		p.has("pre", "请律师确认")
		p.has("pre", `\u202e`)
		p.sound("text of a pack, " + name)
		p.shoot("pack " + name)
		p.visit("/health")
		p.visit("/rules#cn-2019-15:8") // as somebody shared it
		p.await(`document.querySelector("[open] :target")?.innerText.includes("limits")`)
		seen("health", "/health", "table", "48,211,904", "table", "aggregator at 10.0.3.18", ".facts", "aggregator at 10.0.3.17: 1 partition", ".tiles", "malformed 3, ahead 1: see aggregator dlq", ".tiles", "8\nevents that no rule counts", ".tiles", "1,284.6", ".facts", "cn-2019-15")
	}
}

// TestStrange: ids of every script, of 256 bytes, with markup, with what is hidden, and those that no path can hold, have a page each.
func TestStrange(t *testing.T) {
	f := newFake(t)
	f.fill()
	for _, row := range f.rows { // each has crossed, too
		id := row["subject"].(string)
		f.crossings = append(f.crossings, made("art3-clicks", "Actual clicks", id, "incident: clicks 50,000 of 50,000 in 731d", 1, 50_000, 4_000, 1))
		f.subjects[row["by"].(string)+"/"+id] = f.detail(row)
	}
	for _, look := range looks[1:3] {
		strange(f, open(t, f.url, look.width, look.height, look.scheme))
	}
}

func strange(f *fake, p *tab) {
	p.t.Helper()
	shown := func(row object) string {
		return strings.NewReplacer("\u202e", `\u202e`, "\u0007", `\u0007`, "\U000e0041", `\U000e0041`, "\u3164", `\u3164`).Replace(row["subject"].(string))
	}
	p.visit("/crossings")
	for _, row := range f.rows {
		p.has(".crossings", shown(row))
	}
	p.sound("strange crossings")
	p.shoot(fmt.Sprint("strange crossings ", eval[int](p, "innerWidth")))
	for i, row := range f.rows {
		p.visit("/?min_progress=0")
		p.has(".rows", "11 / 100 clicks")
		p.do(clickRow(i))
		p.has(".subject-page", "Against its limits")
		p.has("h1", shown(row))
		p.has(".crossings", "Actual clicks")
		p.sound(fmt.Sprint("subject ", i))
		p.shoot(fmt.Sprint("strange ", i, " ", eval[int](p, "innerWidth")))
	}
	p.expectFailures(true) // the browser logs a 404
	p.visit("/subjects/incident/nobody")
	p.has(".empty", "Nothing is counted of this incident")
	p.expectFailures(false)
	for _, path := range []string{"/subjects/incident/%ff", "/subjects"} {
		p.visit(path)
		p.has(".empty", "There is no such subject.")
		p.sound(path)
	}
}

// TestStates: nothing yet, no answer yet, servers that are away, a program that is away, a token.
func TestStates(t *testing.T) {
	f := newFake(t)
	p := open(t, f.url, 1440, 900, "light")
	slow := make(chan struct{})
	f.set(func() { f.slow = slow })
	p.visit("/")
	p.has("#main .empty", "Loading")
	p.sound("loading")
	f.set(func() { f.slow = nil })
	close(slow)
	p.has("#main .empty", "Nothing is at a tenth of a limit")
	p.has(".latest .empty", "Nothing has crossed yet")
	p.sound("empty")
	p.shoot("empty")

	f.set(f.fill)
	p.has(".rows", "inc-2026-1187")
	outage(f, p)

	f.set(func() { f.token = "0123456789abcdef" })
	p.has("h1", "A token is needed")
	p.sound("token")
	p.shoot("token")
	p.press("w", "r", "o", "n", "g", kb.Enter)
	p.has(".fault", "The token was refused")
	p.press(strings.Split("0123456789abcdef", "")...)
	p.press(kb.Enter)
	p.has(".rows", "inc-2026-1187")
	p.has("#live-state", "Live")
	if kept := eval[[]string](p, "[Object.values(sessionStorage).join(), Object.values(localStorage).join(), document.cookie, location.href]"); kept[0] != f.token || kept[1]+kept[2] != "" || strings.Contains(kept[3], f.token) {
		t.Errorf("the token is kept at %q", kept)
	}
	p.do(click("#forget"))
	p.has("h1", "A token is needed")
	other := open(t, f.url, 1440, 900, "light")
	other.expectFailures(true)
	other.visit("/rules")
	other.has("h1", "A token is needed")
}

// outage is of servers that are away: the page says which, and that what it shows is old, asks on, and is as before after it.
func outage(f *fake, p *tab) {
	p.t.Helper()
	const refused = "redis: dial tcp 127.0.0.1:6379: connect: connection refused"
	p.expectFailures(true)
	p.has("#vitals", "7 records")
	var asked int
	f.set(func() { f.away, f.unready, asked = refused, "not ready: "+refused+"\n", f.asked })
	p.has("#banner", "Redis is away.")
	p.has("#banner", "connection refused")
	p.has("#live-state", "Data as of ")
	p.has("#vitals [data-state=old]", "as of ")
	p.hasNot("#vitals", "7 records")
	p.hasNot("#vitals", "all sent")
	p.has("#vitals [data-state=bad]", "no\nredis")
	p.has(".rows", "inc-2026-1187") // as it was
	p.sound("away")
	p.shoot("away")
	p.do(click("#pause"))
	p.do(click("#pause")) // all is asked at once
	p.has("#banner", "Redis is away.")
	servers.Await(p.t, patience, 10*time.Millisecond, "the newest crossings are asked for again and again", func() (enough bool) {
		f.set(func() { enough = f.asked > asked+4 })
		return enough
	})
	f.set(func() { f.unready += "not ready: kafka: no broker answers\nnot ready: topics: not looked at\n" })
	p.has("#banner", "Redis and Kafka are away.")
	p.has("#vitals [data-state=bad]", "redis, kafka, topics")
	f.set(func() { f.away, f.unready = "kafka: no broker answers", "" })
	p.has("#banner", "Kafka is away.")
	p.hasNot("#banner", "Redis")
	f.set(func() { f.away = "" })
	p.hasNot("#banner", "away")
	p.has("#live-state", "Live")
	p.has("#vitals", "7 records")
	p.has("#vitals [data-state=ok]", "yes")
}

// TestFilters: the list is of what is below its limit, a link leads to the rest, and a link that somebody shared means the same. A page of
// the list on which nothing fits is not the end of it.
func TestFilters(t *testing.T) {
	f := newFake(t)
	f.fill()
	p := open(t, f.url, 1440, 900, "light")
	choices := `[...document.querySelectorAll("[name=min_progress] option")].map((o) => o.text).join()`
	usual := "from 10 %, below the limit,from 50 %, below the limit,from 80 %, below the limit,at the limit, or over it,any, the farthest first"
	for _, path := range []string{"/", "/?min_progress=0.1"} {
		p.visit(path)
		p.has(".rows", "inc-2026-1187")
		p.hasNot(".rows", "inc-42")
		if got := eval[string](p, choices); got != usual {
			t.Errorf("%s: the choices are %s", path, got)
		}
	}
	p.has("main p", "3 at the limit, or over it")
	p.do(click("main p a"))
	p.await(`location.search === "?min_progress=1"`)
	p.has(".rows", "over the limit")
	p.hasNot("main", "3 at the limit, or over it")
	p.hasNot(".rows", "inc-2026-1187")
	p.visit("/?min_progress=0.95&rule=art3-clicks")
	p.has(".rows", "inc-2026-1187")
	p.has("main p", "2 at the limit, or over it")
	if got := eval[string](p, choices); got != usual+",from 95 %, below the limit" {
		t.Errorf("the choices are %s", got)
	}
	f.set(func() { f.rows[0]["progress"], f.sparse = 1.0, 12 })
	p.visit("/?min_progress=0")
	p.has("#main .empty", "there is more")
	p.do(click("main section button:not([hidden])"))
	p.do(click("main section button:not([hidden])"))
	p.has(".rows", "inc-2026-1187")
	p.has(".rows", "at the limit")
	p.visit("/?rule=none")
	f.set(func() { f.sparse = 0 })
	p.has("#main .empty", "Nothing fits these filters.")
}

// TestClock: what is left to the limit is told by the service's clock, whatever the one of who looks says.
func TestClock(t *testing.T) {
	f := newFake(t)
	f.ahead = 3 * time.Hour
	f.fill()
	p := open(t, f.url, 1440, 900, "light")
	p.visit("/")
	p.has(".rows", "in 1 h ")
	p.has(".old", "as of 4 h ")
	p.await(`document.querySelectorAll(".old").length === 1`)
}

// TestLive: a crossing appears without a reload, is told to who does not see it, and does not while the page is paused.
func TestLive(t *testing.T) {
	f := newFake(t)
	f.fill()
	p := open(t, f.url, 1440, 900, "light")
	p.visit("/")
	p.has("#live-state", "Live")
	p.has(".latest", "inc-42")
	eval[any](p, "window.stays = true")
	c := made("art3-clicks", "Actual clicks (实际被点击数)", "inc-new", "incident inc-new: clicks 50,000 of 50,000 in 731d", 1, 50000, 9000, 0)
	f.cross(c)
	p.has(".latest", "inc-new")
	p.await(`document.querySelector("#news").textContent === "New: incident inc-new: clicks 50,000 of 50,000 in 731d"`)
	p.do(click("#pause"))
	p.has("#live-state", "Paused")
	f.cross(made("art3-clicks", "Actual clicks (实际被点击数)", "inc-later", "incident inc-later: clicks 25,000 of 50,000 in 731d", 0.5, 25000, 9001, 0))
	f.set(func() { f.rows[1]["progress"] = 0.99 })
	if text := p.text(".latest"); strings.Contains(text, "inc-later") {
		t.Error("a paused page goes on")
	}
	p.do(click("#pause"))
	p.has(".latest", "inc-later")
	p.has(".rows", "99.0 %")
	if !eval[bool](p, "window.stays === true") {
		t.Error("the page was loaded anew")
	}
}

// TestKeyboard: all of the board can be reached and used without a mouse, and one sees where one is.
func TestKeyboard(t *testing.T) {
	f := newFake(t)
	f.fill()
	p := open(t, f.url, 1440, 900, "light")
	p.visit("/")
	p.has(".rows", "inc-2026-1187")
	to := func(want string) {
		t.Helper()
		for range 80 {
			p.press(kb.Tab)
			if got := p.focused(); strings.Contains(got, want) {
				if outline := eval[string](p, "getComputedStyle(document.activeElement).outlineStyle"); outline == "none" {
					t.Errorf("%q has the focus, and one does not see it", want)
				}
				return
			}
		}
		t.Fatalf("no way to %q by Tab; at %q", want, p.focused())
	}
	to("Skip to the content")
	p.press(kb.Enter)
	if !eval[bool](p, "document.activeElement.id === 'main'") {
		t.Error("the first link does not lead to the content")
	}
	to("by")
	p.press(kb.ArrowDown, kb.ArrowDown) // account
	p.await(`location.search === "?by=account"`)
	p.hasNot(".rows", "inc-2026-1187")
	p.visit("/")
	p.has(".rows", "inc-2026-1187")
	to("inc-2026-1187")
	p.press(kb.Enter)
	p.has("h1", "inc-2026-1187")
	p.visit("/crossings")
	p.has(".crossings", "inc-42")
	to("Actual clicks")
	p.press(kb.Enter)
	p.has(".evidence", "evt-3000")
	to("Copy as JSON")
	p.press(kb.Enter)
	p.has(".evidence button", "Copied")
	p.visit("/rules")
	p.has("table", "Actual clicks")
	to("at half of the limit or more, and below it, Actual clicks")
	p.press(kb.Enter)
	p.await(`location.search === "?rule=art3-clicks&min_progress=0.5"`)
	p.has(".rows", "inc-2026-1187")
	p.hasNot(".rows", "谣言")
}

// TestBelowAPath: a proxy may serve the board below a path.
func TestBelowAPath(t *testing.T) {
	f := newFake(t)
	f.fill()
	p := open(t, below(t, f.url), 1440, 900, "light")
	p.visit("/counts/subjects/incident/inc-42")
	p.has(".rows", "68,655 / 50,000 clicks")
	p.visit("/counts/")
	p.has(".rows", "inc-2026-1187")
	p.await(`document.querySelector("nav [aria-current]").innerText === "Near a limit"`)
	p.do(click("nav a:nth-child(2)"))
	p.await(`location.pathname === "/counts/crossings"`)
	p.has(".crossings", "inc-42")
}

func below(t *testing.T, site string) string {
	t.Helper()
	return proxy(t, site, func(h http.Handler) http.Handler { return http.StripPrefix("/counts", h) })
}
