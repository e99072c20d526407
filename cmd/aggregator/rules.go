package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

var rulesCommand = &command{
	name: "rules", args: "[PACK] | -config FILE [-hash HASH]", about: "lists the built-in packs of rules, or prints a pack as YAML", most: 1,
	more: `Without PACK: a line for each built-in pack, with its rules and tests. With PACK:
the pack's file, byte for byte, to read, or to begin a pack of your own with.
With -config: the packs that were ever in force for that store, by their hashes,
which crossings name as pack_hash. With -hash: the text of that one, byte for byte;
as many digits will do as no other hash begins with.
Exit: 0 fine; 1 no such pack was in force, or Redis does not answer; 2 a fault of flags or config.`,
	flags: func(fs *flag.FlagSet) runner {
		var o keptPacks
		fs.StringVar(&o.config, "config", "", "the config `file`: packs that were in force for its store")
		fs.StringVar(&o.hash, "hash", "", "the `hash` of a pack (SHA-256 of its file) that was in force")
		return func(ctx context.Context, s *session, args []string) error {
			if o.config != "" || o.hash != "" {
				return o.run(ctx, s, args)
			}
			return printRules(s, args)
		}
	},
}

func printRules(s *session, args []string) error {
	if len(args) == 0 {
		return listRules(s)
	}
	data, ok := thresholds.Builtin(args[0])
	if !ok {
		return &usageError{message: "rules: " + noBuiltin(args[0])}
	}
	_, err := s.out.Write(data)
	return err
}

func listRules(s *session) error {
	for _, name := range thresholds.Builtins() {
		p := mustBuiltin(name)
		mark := ""
		if name == defaultPack {
			mark = " (the default)"
		}
		if _, err := fmt.Fprintf(s.out, "%-22s  %2d rules  %3d tests%s\n", name, len(p.Rules), len(p.Tests), mark); err != nil {
			return err
		}
	}
	return nil
}

// noBuiltin is the message that there is no built-in pack of that name.
func noBuiltin(name string) string {
	names := thresholds.Builtins()
	if hint := strictyaml.DidYouMean(name, names); hint != "" {
		return fmt.Sprintf("there is no built-in pack %q%s", name, hint)
	}
	return fmt.Sprintf("there is no built-in pack %q; there is %s", name, strings.Join(names, ", "))
}

// mustBuiltin is a built-in pack, which is known to be right.
func mustBuiltin(name string) *thresholds.Pack {
	data, ok := thresholds.Builtin(name)
	if !ok {
		panic("BUG: no built-in pack " + name)
	}
	p, found := thresholds.Parse(name+".yaml", data, thresholds.Options{})
	if p == nil {
		panic("BUG: a built-in pack has faults: " + found[0].String())
	}
	return p
}
