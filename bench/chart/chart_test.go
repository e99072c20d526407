package chart

import (
	"encoding/xml"
	"io"
	"reflect"
	"strings"
	"testing"
)

func sample(places ...string) *Chart {
	c := &Chart{Title: "Cost & size", X: "subjects", Y: "CPU s/M", Lines: []string{"program", "Redis"}, Names: []string{"subjects", "program", "Redis", "MiB"}}
	for _, place := range places {
		c.Rows = append(c.Rows, []string{place, "2.5", "0.25", "80"})
	}
	return c
}

func TestWriteRead(t *testing.T) {
	want := sample("1000", "10000")
	var text strings.Builder
	if err := want.Write(&text); err != nil {
		t.Fatal(err)
	}
	got, err := Read(strings.NewReader(text.String()))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, error %v, want %+v", got, err, want)
	}
}

func TestReadFaults(t *testing.T) {
	head := "# title: T\n# x: n\n# y: s\n# lines: a\n"
	f := func(text, want string) {
		t.Helper()
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
	f("", "missing")
	f(head+"n\ta\n", "missing")
	f(head+"n\tb\n1\t2\n", `no column is called "a"`)
	f(head+"n\ta\n1\n", "has 1 columns, want 2")
}

// TestSVG shows that drawings are well-formed XML, and where points stand.
func TestSVG(t *testing.T) {
	f := func(c *Chart, parts ...string) {
		t.Helper()
		text, err := c.SVG()
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(strings.NewReader(text)); err == nil; {
			_, err = d.Token()
		}
		if err != io.EOF {
			t.Errorf("the drawing is no XML: %v", err)
		}
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in\n%s", part, text)
			}
		}
	}
	// Powers are as far apart as their exponents; 2.5 is the top of the axis.
	f(sample("1000", "10000", "100000"), `cx="130.0" cy="60.0"`, `cx="380.0" cy="60.0"`, `cx="630.0" cy="321.0"`, "Cost &amp; size")
	f(sample("1", "2", "5"), `cx="255.0" cy="60.0"`, `<path class="line0" d="M130.0 60.0 L255.0 60.0`)
	f(sample("usual", "all late"), `cx="130.0"`, `cx="630.0"`, ">all late<")
	f(sample("1"))
}

func TestSVGFaults(t *testing.T) {
	c := sample("1")
	c.Rows[0][1] = "NaN"
	if _, err := c.SVG(); err == nil || !strings.Contains(err.Error(), `draw program at 1: "NaN" is no figure`) {
		t.Errorf("error %v", err)
	}
}
