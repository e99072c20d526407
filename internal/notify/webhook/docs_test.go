package webhook

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// TestDocsSignature: what docs/notify.md says in Python of signatures takes ours, of several keys too, and no other.
func TestDocsSignature(t *testing.T) {
	servers.Require(t, "python3")
	page, err := os.ReadFile("../../../docs/notify.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```python\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/notify.md has no Python")
	}
	secret, err := ParseSecret(standardSecret)
	if err != nil {
		t.Fatal(err)
	}
	const id, at, body = "r/incident/a%25b/1/1", "1700000000", `{"a":"ü"}`
	right := secret.sign(id, at, []byte(body))
	for signature, want := range map[string]string{right: "True", "v1,AAAA " + right: "True", "v1,AAAA": "False", right[:len(right)-4]: "False"} {
		call, err := json.Marshal([]any{map[string]string{"webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature}, body, standardSecret})
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("python3", "-c", string(block[1])+"\nimport json, sys\nheaders, body, secret = json.load(sys.stdin)\nprint(signed(headers, body.encode(), secret))")
		c.Stdin = strings.NewReader(string(call))
		if out, err := c.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: got %s, %v, want %s", signature, out, err, want)
		}
	}
}
