package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// reportedPack has a test that passes, with a name that means something in every form, and one that fails.
const reportedPack = `pack: p<1>&
measures:
  clicks: {sum: count, types: [click]}
rules:
  - {id: c, by: incident, window: 1h, step: 1m, limits: {clicks: 10}}
tests:
  - name: "fine # \\ <x>"
    events: [{type: click, incident: A, times: 8}]
    crossings: [{rule: c, subject: A, level: 0.8, at: 8}]
  - name: wrong
    events: [{type: click, incident: A, times: 8}]
    crossings: [{rule: c, subject: A, level: 0.8, at: 7}]
`

// TestCheckForms: each form is well-formed, and has every test with its name, and each fault with its line.
func TestCheckForms(t *testing.T) {
	path := servers.WriteFile(t, "p.yaml", reportedPack)
	broken := servers.WriteFile(t, "broken.yaml", strings.Replace(reportedPack, "limits: {clicks: 10}", "limits: {clicks: ten}", 1))
	fault := path + `:10:5: tests[1]: "wrong": crossing 1: want`
	for _, form := range checkForms[1:] {
		code, out, errs := tried("check", "-rules", path, "-o", form)
		if code != exitUsage || !strings.HasPrefix(errs, fault) {
			t.Errorf("%s: exit %d, stderr %s", form, code, errs)
		}
		wellFormed(t, form, out, 3, 1)
		if quoted, _ := json.Marshal(fault); !strings.Contains(out, fault) && !strings.Contains(out, strings.Trim(string(quoted), `"`)) && !strings.Contains(out, strings.ReplaceAll(fault, `"`, "&#34;")) {
			t.Errorf("%s: the fault has no line: %s", form, out)
		}
		code, out, _ = tried("check", "-rules", broken, "-o", form)
		if code != exitUsage || !strings.Contains(out, "broken.yaml:5:") {
			t.Errorf("%s: exit %d, %s", form, code, out)
		}
		wellFormed(t, form, out, 1, 1)
		code, out, _ = tried("check", "-rules", "cn-2019-15", "-o", form)
		if code != exitFine {
			t.Errorf("%s: exit %d, %s", form, code, out)
		}
	}
	for _, args := range [][]string{{"-o", "yaml"}, {"-o", "tap", "-config", example, "-live"}} {
		if code, _, _ := tried(append([]string{"check"}, args...)...); code != exitUsage {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}

// tried runs a command line.
func tried(args ...string) (code int, stdout, stderr string) {
	r := call("", nil, args...)
	return r.code, r.out, r.err
}

// wellFormed reads a report and counts its cases. In JSON, that nothing but a test has a fault is no case.
func wellFormed(t *testing.T, form, text string, cases, bad int) {
	t.Helper()
	switch form {
	case "junit":
		var x struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Suites   []struct {
				Cases []struct {
					Name string `xml:"name,attr"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal([]byte(text), &x); err != nil || x.Tests != cases || x.Failures+x.Errors != bad {
			t.Errorf("%v: %+v of %s", err, x, text)
		}
	case "tap":
		lines := regexp.MustCompile(`(?m)^(not )?ok (\d+) - `).FindAllStringSubmatch(text, -1)
		if !strings.HasPrefix(text, fmt.Sprintf("TAP version 14\n1..%d\n", cases)) || len(lines) != cases {
			t.Errorf("not so many lines as planned: %s", text)
		}
		for i, l := range lines {
			if l[2] != fmt.Sprint(i+1) {
				t.Errorf("line %d has number %s", i+1, l[2])
			}
			if l[1] != "" {
				bad--
			}
		}
		if bad != 0 {
			t.Errorf("%d more are bad: %s", bad, text)
		}
	case "json":
		var x struct {
			OK     bool
			Faults []string
			Packs  []struct{ Tests []struct{ Fault string } }
		}
		if err := json.Unmarshal([]byte(text), &x); err != nil || x.OK != (bad == 0) {
			t.Errorf("%v: %s", err, text)
		}
		for _, p := range x.Packs {
			for _, test := range p.Tests {
				if test.Fault != "" {
					bad--
				}
			}
		}
		if bad -= len(x.Faults); bad != 0 {
			t.Errorf("%d more are bad: %s", bad, text)
		}
	}
}

// TestCheckAgainst: what -against may name, and what is said.
func TestCheckAgainst(t *testing.T) {
	was := servers.WriteFile(t, "p.yaml", strings.Replace(reportedPack, "at: 7", "at: 8", 1))
	now := servers.WriteFile(t, "p.yaml", strings.Replace(strings.Replace(reportedPack, "at: 7", "at: 8", 1), "clicks: 10", "clicks: 9", 1))
	for _, old := range []string{was, filepath.Dir(was)} {
		code, out, errs := tried("check", "-rules", now, "-against", old)
		if code != exitFine || !strings.HasSuffix(out, "changed  c\n           limits.clicks: 10 -> 9\n") {
			t.Errorf("%s: exit %d, %s%s", old, code, out, errs)
		}
	}
	code, out, _ := tried("check", "-rules", now, "-against", was, "-o", "json")
	var x struct {
		Changes struct {
			Changed []struct {
				Rule    string
				Changes []struct{ Key, Old, New string }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &x); err != nil || code != exitFine || len(x.Changes.Changed) != 1 || x.Changes.Changed[0].Changes[0].New != "9" {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	if code, out, _ = tried("check", "-against", "cn-2019-15"); code != exitFine || !strings.HasSuffix(out, "\nnothing changes\n") {
		t.Errorf("exit %d: %s", code, out)
	}
	for old, want := range map[string]string{
		"deadbeef": "a hash needs -config", "cn-2019-16": `did you mean "cn-2019-15"?`, "nowhere.yaml": "there is no such file", t.TempDir(): "the directory has no packs",
	} {
		if code, _, errs := tried("check", "-against", old); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s", old, code, errs)
		}
	}
}
