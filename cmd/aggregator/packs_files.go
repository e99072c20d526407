package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// packFiles are the files that an item of rules.files names: itself, those of a directory whose names end in .yaml or .yml, or those that
// a glob matches. They are sorted by name. Those that begin with a point are left out: a mounted ConfigMap has some of its own.
func packFiles(item string) ([]string, error) {
	info, err := os.Stat(item)
	if err == nil && !info.IsDir() {
		return []string{item}, nil
	}
	pattern, none := item, errors.New("no file matches it")
	switch {
	case err == nil:
		pattern, none = filepath.Join(escaped(item), "*.y*ml"), errors.New("no file in it ends in .yaml or .yml")
	case !strings.ContainsAny(item, "*?["):
		return nil, err
	}
	found, bad := filepath.Glob(pattern)
	if bad != nil {
		return nil, fmt.Errorf("%q is no glob: %w", item, bad)
	}
	found = slices.DeleteFunc(found, func(name string) bool {
		base := filepath.Base(name)
		info, err := os.Stat(name)
		return strings.HasPrefix(base, ".") || err == nil && info.IsDir() || pattern != item && !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(base))
	})
	if len(found) == 0 {
		return nil, &fs.PathError{Op: "find", Path: item, Err: none}
	}
	slices.Sort(found)
	return found, nil
}

// escaped is a path as a glob that matches it alone.
func escaped(path string) string {
	if filepath.Separator == '\\' {
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// digest is another one when the bytes of a pack's file are others, when there are other files, or when one cannot be read any more.
func (c *rulesKeys) digest() string {
	h := sha256.New()
	for _, item := range c.files {
		names, err := packFiles(item)
		fmt.Fprintf(h, "%q %v\n", item, err)
		for _, name := range names {
			data, err := readPack(name)
			fmt.Fprintf(h, "%q %v %x\n", name, err, sha256.Sum256(data))
		}
	}
	return string(h.Sum(nil))
}
