package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// runbooks are the pages that tell an operator what is seen and what to do.
var runbooks = []string{"docs/runbook.md", "docs/operations.md", "RELIABILITY.md"}

// serviceTexts is what the service can log or return: its log lines, and every text of its code
// that errors are made of.
type serviceTexts struct {
	lines, complaints []string // complaints: the lines of warnings and errors
	texts             []string
}

// notService are the directories whose code is no part of the service: the demo, which no operator runs, and what tests use.
var notService = []string{"demo", "e2e", "oracle", "servers", "storetest", "testdata"}

// readServiceTexts reads the code of the service, wherever it lies.
func readServiceTexts(t *testing.T) *serviceTexts {
	t.Helper()
	s := &serviceTexts{}
	for _, root := range []string{".", "../../internal"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			name := d.Name()
			switch {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains(notService, name):
				return fs.SkipDir
			case d.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"), strings.HasPrefix(name, "demo"):
				return nil
			}
			tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				ast.Inspect(tree, s.add)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// message is which argument of a log's method is the message.
var message = map[string]int{"Debug": 0, "Info": 0, "Warn": 0, "Error": 0, "Log": 2}

// add takes a node's text, or its log line.
func (s *serviceTexts) add(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BasicLit:
		if text, is := textOf(n); is {
			s.texts = append(s.texts, text)
		}
	case *ast.CallExpr:
		method, is := n.Fun.(*ast.SelectorExpr)
		if !is {
			break
		}
		i, logs := message[method.Sel.Name]
		if !logs || i >= len(n.Args) {
			break
		}
		if text, is := textOf(n.Args[i]); is {
			s.lines = append(s.lines, text)
			if method.Sel.Name != "Debug" && method.Sel.Name != "Info" {
				s.complaints = append(s.complaints, text)
			}
		}
	}
	return true
}

func textOf(n ast.Expr) (string, bool) {
	literal, is := n.(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}

// quoted are the texts that pages quote after a word.
func quoted(text, word string) (list []string) {
	for _, m := range regexp.MustCompile(`\b`+word+` "([^"]+)"`).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

func runbookText(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, page := range runbooks {
		data, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	return b.String()
}

// TestRunbookLogs: what the pages quote of the log is what the program logs, to the letter. Every
// warning and error that it can log is in the pages.
func TestRunbookLogs(t *testing.T) {
	service, text := readServiceTexts(t), runbookText(t)
	lines, errors := quoted(text, "log"), quoted(text, "error")
	for _, line := range lines {
		if !slices.Contains(service.lines, line) {
			t.Errorf("the pages quote log %q, which the program never says", line)
		}
	}
	for _, e := range errors {
		if !slices.ContainsFunc(service.texts, func(s string) bool { return strings.Contains(s, e) }) {
			t.Errorf("the pages quote error %q, which the program never gives", e)
		}
	}
	for _, line := range service.complaints {
		if !slices.Contains(lines, line) {
			t.Errorf("the pages do not say what to do about log %q", line)
		}
	}
	if len(lines) < 20 || len(errors) < 3 || len(service.complaints) < 20 {
		t.Errorf("%d lines and %d errors are quoted, %d complaints are in the code", len(lines), len(errors), len(service.complaints))
	}
}

// noFault are the metrics that show no fault: they move when all is well.
var noFault = []string{
	"aggregator_build_info", "aggregator_events_total", "aggregator_crossings_total", "aggregator_shadow_crossings_total", "aggregator_commit_keys",
	"aggregator_subjects_forgotten_total",
	"aggregator_notify_sent_total", "aggregator_notify_resent_total",
	"aggregator_subjects_listed", "aggregator_lists_cut_total", "aggregator_lists_waiting_full_total",
}

// TestRunbookMetrics: each metric that the pages name is one of the program's, and each metric that
// shows a fault is in the runbook.
func TestRunbookMetrics(t *testing.T) {
	var there []string
	for _, row := range metricRows(t) {
		there = append(there, metricName.FindString(row))
	}
	for _, name := range metricName.FindAllString(runbookText(t), -1) {
		name = strings.TrimSuffix(name, "_bucket") // of a histogram
		if !slices.Contains(there, name) {
			t.Errorf("the pages name %s, which is no metric", name)
		}
	}
	book, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	named := metricName.FindAllString(string(book), -1)
	for _, name := range there {
		if slices.Contains(named, name) == slices.Contains(noFault, name) {
			t.Errorf("%s: the runbook names it: %v; a metric of no fault: %v", name, slices.Contains(named, name), slices.Contains(noFault, name))
		}
	}
}
