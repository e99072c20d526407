// Package strictyaml reads YAML as strictly as a person means it. Each value knows its line, column
// and path. A key may be there once, and merge keys and tags are refused. All faults of a file are
// collected, each with a remedy. Packs of rules and the config are read with it.
//
// It is pure and knows no other package of this program. Lines and columns count from 1, columns in
// characters. Size, depth, aliases and the number of faults of a file are bounded.
package strictyaml
