package thresholds

import (
	"fmt"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// Unique checks what must be unique over all packs that are loaded: the names
// of packs and the ids of rules. A fault is placed where a name is used
// again.
func Unique(packs []*Pack) []strictyaml.Fault {
	var found []strictyaml.Fault
	byName := map[string]*Pack{}
	byID := map[string]*Rule{}
	for _, p := range packs {
		first, again := byName[p.Name]
		if again {
			found = append(found, p.again(first))
		} else {
			byName[p.Name] = p
		}
		if again && p.Hash == first.Hash {
			continue // the same file twice: that is said once
		}
		for i, r := range p.Rules {
			if other, taken := byID[r.ID]; taken {
				found = append(found, r.again(i, other))
				continue
			}
			byID[r.ID] = r
		}
	}
	return found
}

// again is the fault of a pack that has the name of an earlier one.
func (p *Pack) again(first *Pack) strictyaml.Fault {
	f := strictyaml.Fault{File: p.File, Line: p.line, Column: p.column, Path: "pack"}
	if p.Hash == first.Hash {
		f.Message = fmt.Sprintf("the pack %s is loaded twice, first from %s; name it once", strictyaml.Quote(p.Name), first.File)
	} else {
		f.Message = fmt.Sprintf("the name %s is taken by the pack in %s:%d; rename one", strictyaml.Quote(p.Name), first.File, first.line)
	}
	return f
}

// again is the fault of the i-th rule of its pack, which has the id of an earlier one.
func (r *Rule) again(i int, first *Rule) strictyaml.Fault {
	return strictyaml.Fault{
		File: r.Pack.File, Line: r.line, Column: r.column, Path: fmt.Sprintf("rules[%d].id", i),
		Message: fmt.Sprintf("the id %s is taken by the pack %s in %s:%d, and ids are unique over all packs loaded; rename one",
			strictyaml.Quote(r.ID), strictyaml.Quote(first.Pack.Name), first.Pack.File, first.line),
	}
}

// Warning is a warning about a member of the rule, at the rule's place.
func (r *Rule) Warning(member, message string) strictyaml.Fault {
	path := fmt.Sprintf("rules[%d].%s", slices.Index(r.Pack.Rules, r), member)
	return strictyaml.Fault{File: r.Pack.File, Line: r.line, Column: r.column, Path: path, Message: message, Warning: true}
}
