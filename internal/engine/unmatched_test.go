package engine_test

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/engine/enginetest"
)

// TestUnmatched: of an event that no rule counts it is said what one of its type would need, or what the type may be meant to be.
func TestUnmatched(t *testing.T) {
	p := enginetest.Compile(t, `
pack: own
measures:
  clicks: {sum: count, types: [click]}
  readers: {distinct: account, types: [click], where: {media: [video, text, sound, game]}}
  paid: {sum: amount, types: [pay]}
  elsewhere: {sum: count, types: [share], where: {category: {not: [own]}}}
  bought: {sum: count, types: [purchase]}
rules:
  - {id: a, title: a, by: incident, window: 1h, step: 1m, limits: {clicks: 10, readers: 10, paid: 10, elsewhere: 10}, levels: [1]}
  - {id: b, title: b, by: content, window: 1h, step: 1m, limits: {clicks: 10, bought: 10}, levels: [1]}
`)
	f := func(members, want string) {
		t.Helper()
		in := engine.NewIntake(p, engine.Secret{}, engine.IntakeOptions{})
		if err := in.Decoder.Decode(&in.Event, []byte(`{"id":"1","time":"2026-01-01T00:00:00Z",`+members+`}`)); err != nil {
			t.Fatal(err)
		}
		if ops, _ := in.Operations(); len(ops) > 0 {
			t.Fatalf("%s: counted", members)
		}
		if got := p.Unmatched(&in.Event); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", members, got, want)
		}
	}
	const types = "rules count click, pay, purchase, share"
	f(`"type":"click","incident_id":"A"`,
		`no rule counts this event of the type "click": it would need incident, or content, or incident and account and media "game" or "sound" or "text" or others`)
	f(`"type":"pay","incident":"A"`, `no rule counts this event of the type "pay": it would need amount`)
	f(`"type":"pay","content":"A"`, `no rule counts this event of the type "pay": it would need incident and amount`)
	f(`"type":"share","incident":"A","category":"own"`, `no rule counts this event of the type "share": it would need category other than "own"`)
	f(`"type":"register","incident":"A"`, `no rule counts the type "register"; `+types)
	f(`"type":"Click","incident":"A"`, `no rule counts the type "Click", which is none of the usual ones; did you mean "click"?`)
	f(`"type":"purchas","incident":"A"`, `no rule counts the type "purchas", which is none of the usual ones; did you mean "purchase"?`)
	f(`"type":"regster","incident":"A"`, `no rule counts the type "regster", which is none of the usual ones; did you mean "register"?`)
	f(`"type":"com.shop.click","incident":"A"`,
		`no rule counts the type "com.shop.click", which is none of the usual ones; of a CloudEvent, cloudevents.types translates it: {com.shop.click: click}`)
	f(`"type":"a\nb \u202ec","incident":"A"`, `no rule counts the type "a\nb \u202ec", which is none of the usual ones; `+types)
}
