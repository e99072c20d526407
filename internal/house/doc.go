// Package house keeps the house rules: which package may import which, how long
// a file and a function may be, and a few habits of tests. Its test walks the
// whole tree and fails where a rule is broken.
//
// It parses files one by one and never builds them, so that it takes well under
// a second and speaks also of a tree that does not compile.
package house
