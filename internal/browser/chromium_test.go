package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// patience bounds every wait for a page. A page that works comes nowhere near it.
const patience = 90 * time.Second

// chromium is the one browser of this test process; each test has tabs of its own.
var chromium struct {
	sync.Mutex
	ctx context.Context
	end context.CancelFunc
	err error
}

func TestMain(m *testing.M) {
	code := servers.Suite{M: m}.Run()
	aggregator.Remove()
	if chromium.ctx != nil {
		_ = chromedp.Cancel(chromium.ctx) // it waits for the browser to end, and removes its files
		chromium.end()
	}
	os.Exit(code)
}

// start is the browser's context.
func start(t *testing.T) context.Context {
	t.Helper()
	_, err := exec.LookPath("chromium")
	servers.Need(t, err, "make install")
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.ctx == nil && chromium.err == nil {
		options := []chromedp.ExecAllocatorOption{chromedp.ExecPath("chromium"), chromedp.Flag("lang", "en-US"), chromedp.Flag("disable-dev-shm-usage", true)}
		if os.Getuid() == 0 {
			options = append(options, chromedp.NoSandbox) // which Chromium wants of root
		}
		chromium.ctx, chromium.end = chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(options...))
		chromium.err = chromedp.Do(chromium.ctx)
	}
	if chromium.err != nil {
		t.Fatalf("start chromium: %v", chromium.err)
	}
	return chromium.ctx
}

// tab is a page in the browser. What goes wrong in it fails the test, unless the test says that it may.
type tab struct {
	t    *testing.T
	ctx  context.Context
	host string // the only one that is asked

	mu sync.Mutex
	// mayFail: requests may be refused, as servers are away on purpose. The browser logs each of them.
	mayFail bool
}

// open makes a tab that shows a site.
func open(t *testing.T, site string, width, height int64, scheme string) *tab {
	t.Helper()
	u, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(start(t))
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, host: u.Host}
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context of its first action
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, p.heard); err != nil {
		t.Fatal(err)
	}
	call(p, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
		return err
	})
	call(p, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
		return err
	})
	call(p, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
		return err
	})
	p.size(width, height)
	p.scheme(scheme)
	return p
}

// heard takes note of what the browser tells.
func (p *tab) heard(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Host != p.host && u.Scheme != "data" && u.Scheme != "blob" && u.Scheme != "about" {
			p.t.Errorf("a foreign request: %s", e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		p.t.Errorf("an exception in the page: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			p.t.Errorf("in the console: %s %v", e.Type, e.Args)
		}
	case *log.EventEntryAdded:
		if (e.Entry.Level == "error" || e.Entry.Level == "warning") && (e.Entry.Source != "network" || !p.mayFail) {
			p.t.Errorf("in the log: %s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
}

// expectFailures says whether requests may fail from now on.
func (p *tab) expectFailures(may bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mayFail = may
}

func call(p *tab, f func(ctx context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := f(ctx); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) do(a chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	call(p, func(ctx context.Context) error { return chromedp.Do(ctx, a) })
}

// size is that of the window.
func (p *tab) size(width, height int64) { p.t.Helper(); p.do(chromedp.EmulateViewport(width, height)) }

// scheme is light or dark.
func (p *tab) scheme(name string) {
	p.t.Helper()
	call(p, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
}

// visit goes to a path of the site.
func (p *tab) visit(path string) {
	p.t.Helper()
	call(p, func(ctx context.Context) error { // chromedp.Navigate waits until a page has nothing under way: the stream always is
		res, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: "http://" + p.host + path})
		if err == nil && res.ErrorText != "" {
			err = errors.New(res.ErrorText)
		}
		return err
	})
	p.await(`document.readyState === "complete"`)
}

// eval is the value of an expression in the page, as JSON makes it.
func eval[T any](p *tab, expression string) (value T) {
	p.t.Helper()
	call(p, func(ctx context.Context) error {
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("(async () => JSON.stringify(await ("+expression+") ?? null))()", chromedp.EvalAwaitPromise))
		if err != nil {
			return fmt.Errorf("%s: %w", expression, err)
		}
		return json.Unmarshal([]byte(text), &value)
	})
	return value
}

// await waits until an expression is true in the page.
func (p *tab) await(expression string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		cancel()
		if err == nil && is {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("not seen within %v: %s (%v); the page says:\n%s", patience, expression, err, p.text("body"))
		}
		pause(p.t.Context(), 20*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// has waits until an element has a text.
func (p *tab) has(selector, text string) {
	p.t.Helper()
	p.await(fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.innerText.includes(%s))", selector, quote(text)))
}

// hasNot waits until no element has a text.
func (p *tab) hasNot(selector, text string) {
	p.t.Helper()
	p.await(fmt.Sprintf("![...document.querySelectorAll(%q)].some((e) => e.innerText.includes(%s))", selector, quote(text)))
}

func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// text is what a reader sees of an element.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// press presses keys, one after the other.
func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do(chromedp.KeyEvent(k))
	}
}

// focused is the text, or the name, of the element that has the focus.
func (p *tab) focused() string {
	p.t.Helper()
	return eval[string](p, "(document.activeElement.getAttribute('aria-label') || document.activeElement.name || document.activeElement.innerText || document.activeElement.tagName).trim()")
}

// sound fails the test if the page has a fault that axe-core finds, or is wider than the window.
func (p *tab) sound(name string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](axe(p.t)+";undefined"))
		return err
	}))
	type violation struct {
		ID, Help string
		Nodes    []struct {
			HTML    string
			Summary string `json:"failureSummary"`
		}
	}
	for _, v := range eval[[]violation](p, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) => r.violations.map(({id, help, nodes}) => ({id, help, nodes})))`) {
		for _, n := range v.Nodes {
			p.t.Errorf("%s: axe: %s: %s\n%s\n%s", name, v.ID, v.Help, n.HTML, n.Summary)
		}
	}
	if wide := eval[string](p, `document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, .unseen")).slice(0, 5).map((e) => e.outerHTML.slice(0, 120)).join("\n")+" "`); wide != "" {
		p.t.Errorf("%s: the page is wider than the window:\n%s", name, wide)
	}
}

var axeSource = sync.OnceValues(func() ([]byte, error) { return os.ReadFile(filepath.Join(os.Getenv("AXE"), "axe.min.js")) })

// axe is the source of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	text, err := axeSource()
	servers.Need(t, err, "make install, and make test sets $AXE:")
	return string(text)
}

// picture keeps what is in a window of a size, twice as sharp, as the README has it.
func (p *tab) picture(name string, width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(2)))
	p.await("document.fonts.status === 'loaded'")
	quality := int64(80)
	p.keep(name+".webp", func(ctx context.Context) ([]byte, error) {
		res, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality})
		if err != nil {
			return nil, err
		}
		return res.Data, nil
	})
}

// shoot keeps a picture of the whole page.
func (p *tab) shoot(name string) {
	p.t.Helper()
	p.keep(strings.ReplaceAll(name, " ", "-")+".png", func(ctx context.Context) ([]byte, error) { return chromedp.Run(ctx, chromedp.FullScreenshot(100)) })
}

// keep writes a picture where $SCREENSHOTS says.
func (p *tab) keep(file string, take func(ctx context.Context) ([]byte, error)) {
	p.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	call(p, func(ctx context.Context) error {
		picture, err := take(ctx)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, file), picture, 0o644)
	})
}
