package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/packtest"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// packSet is the packs of a config, as far as they could be read.
type packSet struct {
	packs    []*thresholds.Pack
	warnings []string
	faults   faults
	failing  map[string][]string          // what test found, by hash of the pack
	results  map[string][]packtest.Result // of the tests, by hash of the pack
	untested faults                       // of packs whose tests cannot be run
}

// loadPacks reads the packs named by -rules or, without that flag, by the config.
func loadPacks(c *config, flags []string) *packSet {
	set := &packSet{}
	for _, name := range flags {
		set.named(name, c.members)
	}
	if len(flags) == 0 {
		for _, name := range c.packs {
			if data, ok := thresholds.Builtin(name); ok { // a name that is not was found with the config
				set.parse(name+".yaml", data, c.members)
			}
		}
		for _, file := range c.files {
			names, _ := packFiles(file) // so was what is not there
			for _, name := range names {
				set.file("rules.files", name, c.members)
			}
		}
	}
	for _, f := range thresholds.Unique(set.packs) {
		set.faults = append(set.faults, f.String())
	}
	return set
}

// named reads what a -rules flag names: a built-in pack or a file.
func (set *packSet) named(name string, members int) {
	if data, ok := thresholds.Builtin(name); ok {
		set.parse(name+".yaml", data, members)
		return
	}
	if _, err := os.Stat(name); err != nil && !strings.ContainsAny(name, `/\.`) {
		set.faults = append(set.faults, fmt.Sprintf("-rules %s: there is no such file, and %s", name, noBuiltin(name)))
		return
	}
	set.file("-rules", name, members)
}

// file reads a pack; origin is the flag or the key that names it.
func (set *packSet) file(origin, name string, members int) {
	data, err := readPack(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("there is no such file")
	} else if cause := (*fs.PathError)(nil); errors.As(err, &cause) {
		err = cause.Err
	}
	if err != nil {
		set.faults = append(set.faults, fmt.Sprintf("%s %s: %v", origin, name, err))
		return
	}
	set.parse(name, data, members)
}

func (set *packSet) parse(name string, data []byte, members int) {
	p, found := thresholds.Parse(name, data, thresholds.Options{MaxMembers: members})
	for _, f := range found {
		if f.Warning {
			set.warnings = append(set.warnings, f.String())
		} else {
			set.faults = append(set.faults, f.String())
		}
	}
	if p != nil {
		set.packs = append(set.packs, p)
	}
}

// test runs the packs' own tests. It returns what is wrong.
func (set *packSet) test(c *config) (bad faults) {
	set.failing, set.results = map[string][]string{}, map[string][]packtest.Result{}
	for _, p := range set.packs {
		results, err := packtest.Results(p, c.intake, c.members)
		var failing []string
		if err != nil {
			failing = append(failing, err.Error())
			set.untested = append(set.untested, err.Error())
		}
		for _, r := range results {
			if r.Fault != "" {
				failing = append(failing, r.Fault)
			}
		}
		set.failing[p.Hash], set.results[p.Hash] = failing, results
		bad = append(bad, failing...)
	}
	return bad
}

// compile makes a program of the packs, which must be without faults.
func (set *packSet) compile(c *config) (*engine.Program, error) {
	p, err := engine.Compile(set.packs, c.members)
	if err != nil {
		return nil, faults{err.Error()}
	}
	return p, nil
}

// load is the config and the packs of a command, without faults. The error is all that is wrong with them.
func (s *session) load(configFile string, rules []string) (*config, *packSet, error) {
	c, bad := s.loadConfig(configFile)
	set := loadPacks(c, rules)
	return c, set, append(bad, set.faults...).orNil()
}

// program is the way from flags to a program for the commands that run one beside the service:
// config, packs, compiled.
func (s *session) program(configFile string, rules []string) (*config, *engine.Program, error) {
	c, set, err := s.load(configFile, rules)
	for _, w := range set.warnings {
		fmt.Fprintln(s.err, w)
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := set.compile(c)
	return c, p, err
}
