package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// serviceLink is a variable that Kubernetes sets for each service of a namespace,
// which may be called aggregator too.
var serviceLink = regexp.MustCompile(`^AGGREGATOR(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PORT|PROTO|ADDR))?)?)$`)

// readEnvironment overrides keys by variables. It warns of those that mean nothing.
func (r *configReader) readEnvironment(s *session) {
	found := map[string]string{}
	for _, pair := range s.environ {
		if name, text, _ := strings.Cut(pair, "="); strings.HasPrefix(name, envPrefix) {
			found[name] = text
		}
	}
	var known []string
	given := map[*key]string{}
	for i := range r.keys {
		k := &r.keys[i]
		known = append(known, k.variable())
		if text, ok := found[k.variable()]; ok {
			given[k] = text
			delete(found, k.variable())
		}
	}
	r.override(given)
	delete(found, addrVariable)
	known = append(known, addrVariable)
	var strays []string
	for name := range found {
		if !serviceLink.MatchString(name) {
			strays = append(strays, name)
		}
	}
	slices.Sort(strays)
	for _, name := range strays {
		fmt.Fprintf(s.err, "warning: env %s: no such key%s\n", name, strictyaml.DidYouMean(name, known))
	}
}

// override sets the keys given. A secret and its file are one thing: the one given here
// takes the place of either.
func (r *configReader) override(given map[*key]string) {
	for k := range given {
		if k.reset != nil {
			k.reset()
		}
	}
	for i := range r.keys {
		k := &r.keys[i]
		text, ok := given[k]
		if !ok {
			continue
		}
		r.origins[k.path] = origin{variable: k.variable()}
		r.c.given[k.path] = nil
		for _, item := range k.items(text) {
			r.c.given[k.path] = append(r.c.given[k.path], item)
			if err := k.set(item); err != nil {
				r.fault(k.path, "%v", err)
			}
		}
	}
}

// items are the texts that a variable gives: items of lists are separated by commas.
func (k *key) items(text string) []string {
	if k.shape == scalar {
		return []string{text}
	}
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
