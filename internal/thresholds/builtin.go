package thresholds

import (
	"embed"
	"slices"
	"strings"
)

//go:embed packs/*.yaml
var packs embed.FS

// Builtin is the file of a built-in pack; false if there is none of that name.
func Builtin(name string) ([]byte, bool) {
	data, err := packs.ReadFile("packs/" + name + ".yaml")
	return data, err == nil
}

// Builtins are the names of the built-in packs, sorted.
func Builtins() []string {
	entries, err := packs.ReadDir("packs")
	if err != nil {
		panic("BUG: the built-in packs are not embedded: " + err.Error())
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	slices.Sort(names) // not the order of the files: "-" is before "."
	return names
}
