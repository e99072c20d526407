package browser

import (
	"fmt"
	"testing"
)

// TestShadowFilter: crossings of rules that are only tried are shown when they are asked for, with a word that says so, and never among the others.
func TestShadowFilter(t *testing.T) {
	f := newFake(t)
	f.fill()
	p := open(t, f.url, 1440, 900, "light")
	p.visit("/crossings")
	p.has(".crossings", "inc-42")
	p.hasNot(".crossings", "inc-tried")
	p.do(choose("[name=shadow]", "true"))
	p.has(".crossings", "inc-tried")
	p.has(".crossings .badge", "shadow")
	p.hasNot(".crossings", "inc-42")
	p.await(`new URLSearchParams(location.search).get("shadow") === "true"`)
	p.sound("shadow")
	p.shoot("shadow")
	p.visit("/crossings?id=art3-clicks%2Fincident%2Finc-tried%2F1%2F0.5&shadow=true")
	p.has(".crossings", "inc-tried")
	p.has(".crossings .badge", "shadow")
	p.visit("/crossings?shadow=true&status=cleared") // as somebody shared it
	p.has("#main .empty", "Nothing")
}

// TestRulesNotTaken: a reload that failed is on every page, and where the fault is on the page of health. So is what new limits brought.
func TestRulesNotTaken(t *testing.T) {
	f := newFake(t)
	f.fill()
	for _, look := range looks {
		name := fmt.Sprintf("%d %s", look.width, look.scheme)
		f.set(func() { f.fault, f.due = nil, object{} })
		p := open(t, f.url, look.width, look.height, look.scheme)
		p.visit("/")
		p.has("#vitals [data-state=ok]", "in force")
		f.set(func() { f.due = object{"art3-clicks": 3, "art3-items": 1} })
		p.has("#vitals [data-state=slow]", "4 due")
		p.visit("/health")
		p.has(".facts", "announced with their next event")
		p.has(".facts", "art3-clicks: 3")
		p.sound("due, " + name)
		p.shoot("due " + name)
		fault := "/etc/aggregator/rules/own.yaml:4:102: rules[0].limits.clicks: 10O is no number\nown.yaml:9:1: tests[0]: clicks: crossing 1: want 0.8"
		f.set(func() { f.fault = &fault })
		p.has("#vitals [data-state=bad]", "not taken")
		p.has(".facts", "own.yaml:4:102")
		p.sound("not taken, " + name)
		p.shoot("not taken " + name)
		f.set(func() { f.fault, f.due = nil, object{} })
		p.hasNot(".facts", "own.yaml")
		p.hasNot(".facts", "announced with their next event")
	}
}
