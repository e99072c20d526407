package browser

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

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
		seen("near", "/", ".rows", "48,211 / 50,000 clicks", ".rows", "137 %", ".rows", "谣言-长江大桥-0417", ".rows", "pending 80.0 %",
			".rows", "<img src=x onerror=alert(1)>", ".rows", `\u202etxt.exe\u0007`, ".crossings", "Actual clicks", ".notice", "It is not a finding", "#vitals", "s ago")
		seen("crossings", "/crossings", ".crossings", "inc-42", ".crossings", "○ cleared", ".crossings", "● limit")
		seen("crossing", "/crossings?id="+url.QueryEscape("art3-clicks/incident/inc-42/1/1"), ".evidence", "dissemination-events, partition 3, offset 48003000",
			".evidence", "aggregator verify -config FILE -subject incident/inc-42", ".evidence", "0.1 s after the time of its event", ".evidence", "not a finding")
		seen("subject", "/subjects/incident/inc-42", ".rows", "68,655 / 50,000 clicks", ".chart figcaption", "clicks over 731d", ".crossings", "● limit", "code", "-subject incident/inc-42")
		seen("rules", "/rules", "table", "Actual clicks", "table", "50,000 clicks", "table", "their shares are added", "table", "shadow", "summary", "9 lines", "summary", "▲ Tests passed: 19 of 20.")
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
		seen("health", "/health", "table", "48,211,904", "table", "aggregator at 10.0.3.18", ".facts", "aggregator at 10.0.3.17: 1 partition", ".tiles", "malformed 3, ahead 1", ".tiles", "1,284.6", ".facts", "cn-2019-15")
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
		if id := row["subject"].(string); !strings.Contains(id, "\u202e") {
			return id
		}
		return `\u202etxt.exe\u0007`
	}
	p.visit("/crossings")
	for _, row := range f.rows {
		p.has(".crossings", shown(row))
	}
	p.sound("strange crossings")
	p.shoot(fmt.Sprint("strange crossings ", eval[int](p, "innerWidth")))
	for i, row := range f.rows {
		p.visit("/")
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
	p.has(".empty", "Nothing is counted of this subject")
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
	p.has(".rows", "inc-42")
	p.expectFailures(true)
	f.set(func() { f.away = "redis: dial tcp 127.0.0.1:6379: connect: connection refused" })
	p.has("#banner", "Redis is away.")
	p.has("#banner", "connection refused")
	p.has(".rows", "inc-42") // as it was
	p.sound("away")
	p.shoot("away")
	f.set(func() { f.away = "" })
	p.hasNot("#banner", "away")

	f.set(func() { f.token = "0123456789abcdef" })
	p.has("h1", "A token is needed")
	p.sound("token")
	p.shoot("token")
	p.press("w", "r", "o", "n", "g", kb.Enter)
	p.has(".fault", "The token was refused")
	p.press(strings.Split("0123456789abcdef", "")...)
	p.press(kb.Enter)
	p.has(".rows", "inc-42")
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
	f.set(func() { f.rows[0]["progress"] = 1.5 })
	if text := p.text(".latest"); strings.Contains(text, "inc-later") {
		t.Error("a paused page goes on")
	}
	p.do(click("#pause"))
	p.has(".latest", "inc-later")
	p.has(".rows", "150 %")
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
	p.has(".rows", "inc-42")
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
	p.hasNot(".rows", "inc-42")
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
	to("at half of the limit or more, Actual clicks")
	p.press(kb.Enter)
	p.await(`location.search === "?rule=art3-clicks&min_progress=0.5"`)
	p.has(".rows", "inc-42")
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
	p.has(".rows", "inc-42")
	p.await(`document.querySelector("nav [aria-current]").innerText === "Near a limit"`)
	p.do(click("nav a:nth-child(2)"))
	p.await(`location.pathname === "/counts/crossings"`)
	p.has(".crossings", "inc-42")
}

func below(t *testing.T, site string) string {
	t.Helper()
	return proxy(t, site, func(h http.Handler) http.Handler { return http.StripPrefix("/counts", h) })
}
