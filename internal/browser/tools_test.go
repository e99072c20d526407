package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
)

// click clicks on the first element that a selector finds.
func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

// clickRow follows the link of the nth row, from 0.
func clickRow(n int) chromedp.Action[chromedp.Void] {
	return click(fmt.Sprintf(".rows > li:nth-child(%d) a.subject", n+1))
}

// proxy serves a site behind another handler.
func proxy(t *testing.T, site string, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	u, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	reverse := httputil.NewSingleHostReverseProxy(u)
	reverse.FlushInterval = -1
	server := httptest.NewServer(wrap(reverse))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return server.URL
}

// choose chooses a value of a field, as who looks does.
func choose(selector, value string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
		const field = document.querySelector(%q);
		field.value = %q;
		field.dispatchEvent(new Event("input", { bubbles: true }));
		field.dispatchEvent(new Event("change", { bubbles: true }));
		undefined;
	}`, selector, value))
}
