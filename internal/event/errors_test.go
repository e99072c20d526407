package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestReasons compares the list with the constants in the source.
func TestReasons(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, text)
		}
		return true
	})
	if got := Reasons(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	for f := range fault(len(faults)) {
		if f != fine && !slices.Contains(want, faults[f].reason) {
			t.Errorf("fault %d has no reason", f)
		}
	}
}

// TestMalformedQuotesNoText puts a name and a number that are personal data wherever a record has
// room for them, and breaks the record after them.
func TestMalformedQuotesNoText(t *testing.T) {
	const secret = "13800138000"
	f := func(value string, headers []Header) {
		t.Helper()
		_, err := decodeRecord(value, headers)
		if err == nil {
			t.Errorf("%s is accepted", value)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, end := range []string{"", "x", "\xff", `\ud800`, `\x`, "\n", `"x`, `"`, `"}x`, `",`} {
		for _, name := range append(StrNames[:], "id", "type", "time", "other") {
			f(`{"`+name+`":"`+secret+end, nil)
			f(`{"`+name+`":`+secret+end, nil)
			f(`{"`+name+`":{"`+secret+end, nil)
		}
		f(`{"`+secret+end, nil)
		f(`{"account":"`+secret+`","account":"`+secret+`"`, nil)
		f(`{"account":"`+strings.Repeat(secret, 30)+`"}`, nil)
	}
	for _, name := range []string{"id", "source", "type", "time", "specversion", "datacontenttype"} {
		f(`{"`+name+`":"`+secret+`"}`, structuredHeaders)
		f(`{"`+name+`":`+secret+`}`, structuredHeaders)
		f("{}", with(nil, "ce_"+name, secret))
		f("{}", with(nil, "ce_"+secret, "\xff"))
	}
}
