package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/stream"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// loaded is the packs of a config, as far as they could be read.
type loaded struct {
	packs    []*thresholds.Pack
	warnings []string
	faults   faults
}

// loadPacks reads the packs named by -rules, or else by the config.
func loadPacks(c *config, flags []string) *loaded {
	l := &loaded{}
	for _, name := range flags {
		l.named(name, c.members)
	}
	if len(flags) == 0 {
		for _, name := range c.packs {
			if data, ok := thresholds.Builtin(name); ok { // one that is not was found with the config
				l.parse(name+".yaml", data, c.members)
			}
		}
		for _, file := range c.files {
			if _, err := os.Stat(file); err == nil { // so was one that is not there
				l.file("rules.files", file, c.members)
			}
		}
	}
	for _, f := range thresholds.Unique(l.packs) {
		l.faults = append(l.faults, f.String())
	}
	return l
}

// named reads what a -rules flag names: a built-in pack or a file.
func (l *loaded) named(name string, members int) {
	if data, ok := thresholds.Builtin(name); ok {
		l.parse(name+".yaml", data, members)
		return
	}
	if _, err := os.Stat(name); err != nil && !strings.ContainsAny(name, `/\.`) {
		l.faults = append(l.faults, fmt.Sprintf("-rules %s: there is no such file, and %s", name, noBuiltin(name)))
		return
	}
	l.file("-rules", name, members)
}

// file reads a pack; said is where its name stands.
func (l *loaded) file(said, name string, members int) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("there is no such file")
	} else if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		err = cause.Err
	}
	if err != nil {
		l.faults = append(l.faults, fmt.Sprintf("%s %s: %v", said, name, err))
		return
	}
	l.parse(name, data, members)
}

func (l *loaded) parse(name string, data []byte, members int) {
	p, found := thresholds.Parse(name, data, thresholds.Options{MaxMembers: members})
	for _, f := range found {
		if f.Warning {
			l.warnings = append(l.warnings, f.String())
		} else {
			l.faults = append(l.faults, f.String())
		}
	}
	if p != nil {
		l.packs = append(l.packs, p)
	}
}

// compile makes a program of the packs, which must be without faults.
func (l *loaded) compile(c *config) (*stream.Program, error) {
	p, err := stream.Compile(l.packs, c.members)
	if err != nil {
		return nil, faults{err.Error()}
	}
	return p, nil
}

// load is the config and the packs of a command, without faults. The error is all that is wrong with them.
func (s *session) load(configFile string, rules []string) (*config, *loaded, error) {
	c, bad := s.loadConfig(configFile)
	l := loadPacks(c, rules)
	return c, l, append(bad, l.faults...).orNil()
}

// program is the way from flags to a program for the commands that run one beside the service:
// config, packs, compiled.
func (s *session) program(configFile string, rules []string) (*config, *stream.Program, error) {
	c, l, err := s.load(configFile, rules)
	for _, w := range l.warnings {
		fmt.Fprintln(s.err, w)
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := l.compile(c)
	return c, p, err
}
