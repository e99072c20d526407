package strictyaml

import "testing"

func TestFaultString(t *testing.T) {
	f := func(fault Fault, want string) {
		t.Helper()
		if got := fault.String(); got != want {
			t.Errorf("%#v is %q, want %q", fault, got, want)
		}
	}
	f(Fault{File: "a.yaml", Line: 2, Column: 3, Path: "rules[0].by", Message: "missing; say"}, "a.yaml:2:3: rules[0].by: missing; say")
	f(Fault{File: "a.yaml", Line: 1, Column: 1, Message: "the file is empty"}, "a.yaml:1:1: the file is empty")
	f(Fault{File: "a", Line: 1, Column: 1, Path: "p", Message: "m", Warning: true}, "a:1:1: p: warning: m")
}
