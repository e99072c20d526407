package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/seed-afe14ff2/aggregator/internal/packdiff"
)

// checkForms are the forms of what check prints.
var checkForms = []string{"text", "junit", "tap", "json"}

// checkReport is what check found, for programs.
type checkReport struct {
	set      *packSet
	faults   []string // that no test found: of the config, of packs that cannot be read
	warnings []string
	changes  *packdiff.Difference // nil: not asked for
}

// print prints it in a form.
func (r *checkReport) print(w io.Writer, form string) error {
	switch form {
	case "junit":
		return r.junit(w)
	case "tap":
		return r.tap(w)
	}
	return r.json(w)
}

// packJSON is a pack as JSON.
type packJSON struct {
	Pack  string     `json:"pack"`
	Hash  string     `json:"hash"`
	File  string     `json:"file"`
	Rules []ruleJSON `json:"rules"`
	Tests []testJSON `json:"tests"`
}

type ruleJSON struct {
	Rule   string `json:"rule"`
	Line   int    `json:"line"`
	Shadow bool   `json:"shadow,omitempty"`
}

type testJSON struct {
	Name   string `json:"name"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Passed bool   `json:"passed"`
	Fault  string `json:"fault,omitempty"`
}

func (r *checkReport) json(w io.Writer) error {
	out := struct {
		OK       bool                 `json:"ok"`
		Packs    []packJSON           `json:"packs"`
		Faults   []string             `json:"faults"`
		Warnings []string             `json:"warnings"`
		Changes  *packdiff.Difference `json:"changes,omitempty"`
	}{len(r.faults) == 0, []packJSON{}, append([]string{}, r.faults...), append([]string{}, r.warnings...), r.changes}
	for _, p := range r.set.packs {
		x := packJSON{p.Name, p.Hash, p.File, []ruleJSON{}, []testJSON{}}
		for _, rule := range p.Rules {
			x.Rules = append(x.Rules, ruleJSON{rule.ID, rule.Line(), rule.Shadow})
		}
		for _, t := range r.set.results[p.Hash] {
			x.Tests = append(x.Tests, testJSON{t.Name, t.Line, t.Column, t.Fault == "", t.Fault})
			out.OK = out.OK && t.Fault == ""
		}
		out.Packs = append(out.Packs, x)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(&out)
}

// suiteXML is a pack, or the rest, as a suite of JUnit's.
type suiteXML struct {
	XMLName  xml.Name  `xml:"testsuite"`
	Name     string    `xml:"name,attr"`
	Tests    int       `xml:"tests,attr"`
	Failures int       `xml:"failures,attr"`
	Errors   int       `xml:"errors,attr"`
	File     string    `xml:"file,attr,omitempty"`
	Cases    []caseXML `xml:"testcase"`
}

type caseXML struct {
	Class   string    `xml:"classname,attr"`
	Name    string    `xml:"name,attr"`
	File    string    `xml:"file,attr,omitempty"`
	Line    int       `xml:"line,attr,omitempty"`
	Failure *faultXML `xml:"failure"`
	Error   *faultXML `xml:"error"`
}

type faultXML struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (r *checkReport) junit(w io.Writer) error {
	out := struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Suites   []suiteXML `xml:"testsuite"`
	}{}
	read := suiteXML{Name: "config and packs"}
	for _, f := range r.faults {
		read.add(caseXML{Class: read.Name, Name: f, Error: &faultXML{f, f}})
	}
	if len(r.faults) == 0 {
		read.add(caseXML{Class: read.Name, Name: "without faults"})
	}
	out.Suites = append(out.Suites, read)
	for _, p := range r.set.packs {
		suite := suiteXML{Name: p.Name, File: p.File}
		for _, t := range r.set.results[p.Hash] {
			c := caseXML{Class: p.Name, Name: t.Name, File: p.File, Line: t.Line}
			if t.Fault != "" {
				c.Failure = &faultXML{t.Fault, t.Fault}
			}
			suite.add(c)
		}
		out.Suites = append(out.Suites, suite)
	}
	for _, s := range out.Suites {
		out.Tests, out.Failures, out.Errors = out.Tests+s.Tests, out.Failures+s.Failures, out.Errors+s.Errors
	}
	text, err := xml.MarshalIndent(&out, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func (s *suiteXML) add(c caseXML) {
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Error != nil {
		s.Errors++
	}
	s.Cases = append(s.Cases, c)
}

// tap prints version 14 of the Test Anything Protocol.
func (r *checkReport) tap(w io.Writer) error {
	var b strings.Builder
	n := 0
	line := func(name, fault string) {
		n++
		not := ""
		if fault != "" {
			not = "not "
		}
		fmt.Fprintf(&b, "%sok %d - %s\n", not, n, tapText(name))
		if fault != "" {
			message, err := json.Marshal(fault) // which is a text of YAML, too
			if err != nil {
				panic("BUG: a text that is no JSON: " + err.Error())
			}
			fmt.Fprintf(&b, "  ---\n  message: %s\n  ...\n", message)
		}
	}
	for _, f := range r.faults {
		line("config and packs", f)
	}
	if len(r.faults) == 0 {
		line("config and packs", "")
	}
	for _, p := range r.set.packs {
		for _, t := range r.set.results[p.Hash] {
			line(p.Name+": "+t.Name, t.Fault)
		}
	}
	_, err := fmt.Fprintf(w, "TAP version 14\n1..%d\n%s", n, b.String())
	return err
}

// tapText is a text as a description: what has a meaning there is escaped, and no line ends in it.
func tapText(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, s)
	return strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(s)
}
