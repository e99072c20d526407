package strictyaml

import (
	"fmt"
	"strings"
	"testing"
)

// walk looks at every value of a file, and writes down what it is.
func walk(r *Reader, at Place, depth int, dst *strings.Builder) {
	if depth > 50 || r.Exhausted() {
		return
	}
	fmt.Fprintf(dst, "%d:%d %s=", at.Line, at.Column, at.Path)
	switch at.Type {
	case Mapping:
		fmt.Fprintf(dst, "{%d}\n", at.Len())
		pairs, _ := r.Pairs(at, "")
		for _, p := range pairs {
			walk(r, p.Value, depth+1, dst)
		}
	case List:
		fmt.Fprintf(dst, "[%d]\n", at.Len())
		items, _ := r.ListOrNone(at, "")
		for _, item := range items {
			walk(r, item, depth+1, dst)
		}
	default:
		fmt.Fprintf(dst, "%d %q tag %q quoted %v\n", at.Type, at.Value, at.Tag(), at.Quoted())
	}
}

// read is what a file holds, and its faults.
func read(text string, secret bool) (values, found string) {
	r := NewReader("f", "a file")
	r.Secret = secret
	var b, list strings.Builder
	if root, ok := r.Document([]byte(text)); ok {
		walk(r, root, 0, &b)
	}
	for _, f := range r.Sorted() {
		fmt.Fprintln(&list, f)
	}
	return b.String(), list.String()
}

func TestValues(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got, found := read(text, false); got != want || found != "" {
			t.Errorf("%q holds\n%swant\n%s%s", text, got, want, found)
		}
	}
	f("", "1:1 =0 \"\" tag \"\" quoted false\n")
	f("# x\n", "1:1 =0 \"\" tag \"\" quoted false\n")
	f("~", "1:1 =0 \"~\" tag \"\" quoted false\n")
	f("\ufeffa: 1", "1:1 ={1}\n1:4 a=2 \"1\" tag \"\" quoted false\n")
	f("點: true\n'b c': [1.5, \"1\", 2026-01-01, !!str 1, !x y]\n", `1:1 ={2}
1:4 點=1 "true" tag "" quoted false
2:8 "b c"=[5]
2:9 "b c"[0]=3 "1.5" tag "" quoted false
2:14 "b c"[1]=5 "1" tag "" quoted true
2:19 "b c"[2]=4 "2026-01-01" tag "" quoted false
2:31 "b c"[3]=5 "1" tag "!!str" quoted false
2:40 "b c"[4]=8 "y" tag "!x" quoted false
`)
	f("a: &x [1]\nb: *x\nc: |\n  text\n", `1:1 ={3}
1:4 a=[1]
1:8 a[0]=2 "1" tag "" quoted false
2:4 b=[1]
1:8 b[0]=2 "1" tag "" quoted false
3:4 c=5 "text\n" tag "" quoted true
`)
	f("a: {b: 1}\r\nc: 2\r\n", "1:1 ={2}\n1:4 a={1}\n1:8 a.b=2 \"1\" tag \"\" quoted false\n2:4 c=2 \"2\" tag \"\" quoted false\n")
}

// TestSyntax: each thing that is not YAML is reported at its place, with a remedy.
func TestSyntax(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, found := read(text, false); found != want+"\n" {
			t.Errorf("%q has\n%swant\n%s", text, found, want)
		}
	}
	f("a: b: c", `f:1:5: this is not YAML: mapping values are not allowed in this context; indent the keys of a mapping alike, and quote a text that holds ": "`)
	f("a:\n\tb: 1", "f:2:1: this is not YAML: found character that cannot start any token; indent with spaces, not tabs")
	f("a: @b", "f:1:4: this is not YAML: found character that cannot start any token; quote a text that begins with @, ` or %")
	f("%YAML 3.0\n---\na", "f:1:1: this is not YAML: found incompatible YAML document; take the line out")
	f("\ufeff點: \"\\d\"", `f:1:5: this is not YAML: found unknown escape character; write \\ for a backslash in double quotes, or use single quotes`)
	f("a: *b", "f:1:4: this is not YAML: an alias stands for nothing; quote a text that begins with *, or put &name before the value meant")
	f("a: & b", "f:1:5: this is not YAML: did not find expected alphabetic or numeric character; quote a text that begins with * or &")
	f("a: &", "f:1:4: this is not YAML: the file ends within a value; close its brackets, or quote it")
	f("a: !b^", "f:1:4: this is not YAML: this is no tag; quote a text that begins with !")
	f("a: 'b\nc: d\n", "f:1:4: this is not YAML: the text does not end; close the quotes that are opened here")
	f("a: [b,\n\n  c\n\n", "f:3:3: this is not YAML: the file ends within a value; close its brackets, or quote it")
	f("a: [b, c}", `f:1:9: this is not YAML: did not find expected ',' or ']'; close the brackets, and quote a text that holds { } [ ] or a comma, as "u{n}"`)
	f("a: [b,, c]", "f:1:7: this is not YAML: did not find expected node content; a value is missing before it, or quote a text that begins with , ] or }")
	f("a:\n  b: 1\n  - c", `f:3:3: this is not YAML: did not find expected key; begin a list below its key, and each item with "- ", indented alike; quote a text that begins with "- "`)
	f("a: 'b' c", "f:1:8: this is not YAML: did not find expected key; "+otherwise)
	f("a: 1\n---\nb: [", "f:3:4: this is not YAML: the file ends within a value; close its brackets, or quote it")
	f("a: 1\n---\nb: 2", "f:2:1: a second document begins here; a file is one: take the line --- out, or make it a file of its own")
	f("a: \x00", "f:1:4: U+0000 is a control character; take it out")
	f("a\n點 \xff", "f:2:3: byte 0xff is not UTF-8; save the file as UTF-8")
}

// TestFaults: what is YAML, and not meant.
func TestFaults(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, found := read(text, false); found != want {
			t.Errorf("%q has\n%swant\n%s", text, found, want)
		}
	}
	f("a: 1\nb: 2\na: 3", "f:3:1: a: the key \"a\" is here twice, first in line 1; take one out\n")
	f("a: &x {b: 1, b: 2}\nc: *x", "f:1:14: a.b: the key \"b\" is here twice, first in line 1; take one out\n")
	f("{a: 50,000}", "f:1:8: 000 stands alone, as a comma ends a value in { }; write thousands as 50_000\n")
	f("a:\n  1:\n", "f:2:3: a: the key \"1\" is a number to YAML; quote it\n")
	f("{[a]: 1}", "f:1:2: a key is a list here; write a text, and quote one that holds { } [ or ], as \"u{n}\"\n")
	f("<<: {a: 1}", "f:1:1: merge keys (<<) are not read; write the keys out\n")
	f("a: !x {b: 1}\nc: !!set [d]", "f:1:4: a: the tag \"!x\" is not read; take it out\nf:2:4: c: the tag \"!!set\" is not read; take it out\n")
}

// TestFields: keys that are known, missing, unknown, or not to be read.
func TestFields(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		r := NewReader("f", "a file")
		root, _ := r.Document([]byte(text))
		fields, _ := r.Fields(root, "keys", "name", "size")
		r.Need(fields, "name", "write one")
		var got []string
		for _, fault := range r.Sorted() {
			got = append(got, fault.String())
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q has\n%q, want\n%q", text, got, want)
		}
	}
	f("name: a")
	f("size: a", "f:1:1: name: missing; write one")
	f("nane: a", `f:1:1: nane: there is no key "nane" here; did you mean "name"?`)
	f("xyz: a\nsize: 1", `f:1:1: xyz: there is no key "xyz" here; choose from name, size`, "f:1:1: name: missing; write one")
	f("1: a", `f:1:1: the key "1" is a number to YAML; quote it`) // it may be the name
	f("[]", "f:1:1: this is a list; write keys", "f:1:1: name: missing; write one")
}

// TestSecrets: where texts may be secret no message shows one.
func TestSecrets(t *testing.T) {
	for _, text := range []string{
		"a: *hunter2", "a: !hunter2^ b", "a: !hunter2 {b: 1}", "a: 'hunter2", "a: \"hunter2\\q\"", "{a: b,hunter2}", "{a: b,31337,2026-01-01}", "{a:hunter2, a:hunter2}", "a: hunter2: b", "a: [hunter2", "a: @hunter2",
		"{a:hunter2: x, a:hunter2: y}", "!hunter2 {a: b}", "!<hunter2> {a: b}", "{!hunter2 a: b}", "a: !!hunter2 b",
	} {
		r := NewReader("f", "a file")
		r.Secret = true
		if root, ok := r.Document([]byte(text)); ok {
			pairs, _ := r.Pairs(root, "keys")
			for _, p := range pairs {
				if r.Unknown(p, []string{"xyz"}); p.alone {
					continue
				}
				r.Fault(p.Value, "this is %s", r.Describe(p.Value))
				if p.Value.Type == Tagged {
					r.RefuseTag(p.Value)
				}
				r.ListOrNone(p.Value, "a list")
				r.Pairs(p.Value, "a mapping")
			}
		}
		if got := fmt.Sprint(r.Sorted()); strings.Contains(got, "hunter2") || strings.Contains(got, "31337") || strings.Contains(got, "2026") || !r.Failed() {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// TestBounds: size, depth, aliases and faults of a file are bounded.
func TestBounds(t *testing.T) {
	f := func(what, text, want string) {
		t.Helper()
		if _, found := read(text, false); !strings.Contains(found, want) || strings.Count(found, "\n") > maxFaults+1 {
			t.Errorf("%s: %.500s, want %s", what, found, want)
		}
	}
	f("size", strings.Repeat("a", MaxBytes+1), "f:1:1: the file has 1048577 bytes, but a file has at most 1048576; shorten or divide it")
	f("depth", strings.Repeat("[", 20_000), "f:1:10001: this is not YAML: exceeded max depth of 10000; ")
	f("depth of a block", strings.Repeat("- ", 20_000), "this is not YAML: exceeded max depth of 10000; ")
	f("faults", strings.Repeat("1: 1\n", maxFaults+10), "there are more than the 1000 faults shown; mend these first")
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	f("aliases", bomb, "f:1:1: with all its aliases this file has more than 1000000 values; use fewer of them")
	f("an alias in itself", "a: &a [*a, *a]", "")
}

// FuzzDocument reads any bytes: nothing panics, and faults have a place.
func FuzzDocument(f *testing.F) {
	for _, text := range []string{"a: &x [1, !t 2]\nb: *x", "{a, b: c}", "? [a]\n: b", "a: |\n b\n---\n", "'a", "%TAG ! x:\n---\n!y z", "\ufeffa: \"\\u0041\""} {
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, secret bool) {
		values, found := read(text, secret)
		if strings.ContainsAny(strings.ReplaceAll(found, "\n", ""), "\x00\x1b\r") || values == "" && found == "" {
			t.Errorf("%q holds\n%s\n%q", text, values, found)
		}
		for line := range strings.Lines(found) {
			var l, c int
			if n, err := fmt.Sscanf(line, "f:%d:%d: ", &l, &c); n != 2 || err != nil || l < 1 || c < 1 {
				t.Errorf("%q: %q", text, line)
			}
		}
	})
}
