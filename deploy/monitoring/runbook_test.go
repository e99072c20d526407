package monitoring

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages is where the pages are read, by the path of the module.
func pages(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return "https://" + strings.TrimPrefix(line, "module ") + "/blob/main/docs/"
}

// TestRunbook: the runbook has a section for each alert, with the four parts, where the alert says that it is. It has no section of an
// alert that there is not.
func TestRunbook(t *testing.T) {
	page, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, part := range strings.Split(string(page), "\n### ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		text, _, _ = strings.Cut(text, "\n## ")
		if _, twice := sections[title]; twice {
			t.Errorf("two sections are called %s", title)
		}
		sections[title] = text
	}
	parts := regexp.MustCompile(`(?m)^\*\*([A-Z][a-z]+)\.\*\* [A-Z0-9"` + "`" + `\[]`)
	for _, r := range alerts(t) {
		text, found := sections[r.Alert]
		var got []string
		for _, m := range parts.FindAllStringSubmatch(text, -1) {
			got = append(got, m[1])
		}
		if want := []string{"Meaning", "Impact", "Diagnosis", "Mitigation"}; !found || !slices.Equal(got, want) {
			t.Errorf("%s: the runbook has the parts %q, want %q", r.Alert, got, want)
		}
		if url, want := r.Annotations["runbook_url"], pages(t)+"runbook.md#"+strings.ToLower(r.Alert); url != want {
			t.Errorf("%s: its runbook is %q, want %q", r.Alert, url, want)
		}
		delete(sections, r.Alert)
	}
	operations, err := os.ReadFile("../../docs/operations.md")
	if err != nil || !strings.Contains(string(operations), "\nsed -i 's|"+pages(t)+"|") {
		t.Errorf("docs/operations.md does not say how to have %s elsewhere (%v)", pages(t), err)
	}
	for title := range sections {
		t.Errorf("the runbook has a section of %s, which is no alert", title)
	}
}
