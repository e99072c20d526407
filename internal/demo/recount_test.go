package demo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestRecount: a demo that is as its log says has no differences, and each that is forged is found.
func TestRecount(t *testing.T) {
	d, out := played(t)
	incident := d.world.live[0].id
	name := "incident/" + incident
	if len(d.recount.crossings[name]) == 0 {
		t.Fatalf("%s crossed nothing", name)
	}
	journals, crossings := maps.Clone(d.recount.journals), maps.Clone(d.recount.crossings)
	f := func(what string, forge func(r *recount), want ...string) {
		t.Helper()
		*d.recount = recount{fresh: d.recount.fresh, reader: d.recount.reader, journals: maps.Clone(journals), crossings: maps.Clone(crossings), announced: map[string]bool{}}
		forge(d.recount)
		err := d.prove(t.Context())
		text := d.recount.verdict.text()
		if (err != nil) != (len(want) > 0) || strings.HasSuffix(text, "; differences 0") != (len(want) == 0) || !strings.Contains(out.String(), text) {
			t.Errorf("%s: %v: %s", what, err, text)
		}
		for _, x := range want {
			if !strings.Contains(text, x) {
				t.Errorf("%s: no %q in %s", what, x, text)
			}
		}
	}
	f("as it is", func(*recount) {})
	f("a crossing is lost", func(r *recount) { r.crossings[name] = r.crossings[name][1:] }, "was not announced")
	f("a crossing is forged", func(r *recount) {
		list := slices.Clone(r.crossings[name])
		list[0] = strings.Replace(list[0], `"value":`, `"value":1`, 1)
		r.crossings[name] = list
	}, "announced was", "by the log it is")
	f("a crossing of nobody", func(r *recount) { r.crossed([]byte(`{"id":"x","by":"incident","subject":"nobody"}`)) }, "there is no such crossing")
	f("a record that is no crossing", func(r *recount) { r.crossed([]byte("no crossing")) }, "a record that is no crossing")
	f("events that were not counted", func(r *recount) {
		j := &journal{}
		_ = journals[incident].each(func(p int, ms int64, value []byte) { j.add(p, ms, value) })
		j.add(0, now(t, j), []byte(`{"id":"more","time":"2026-01-01T00:00:00Z","type":"click","incident":"`+incident+`","count":7}`))
		r.journals[incident] = j
	}, "that is not stored", "by the log it is not", "matched: by the log")
	f("a log that lacks an incident", func(r *recount) { delete(r.journals, incident) }, "stored is", "there is no such crossing")
	left, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&recount{fresh: d.recount.fresh, reader: d.recount.reader, journals: maps.Clone(journals)}).rest(left); !errors.Is(err, errLeftOut) {
		t.Errorf("left out: got %v", err)
	}
	if err := d.reader().Forget(t.Context(), thresholds.Incident, incident); err != nil {
		t.Fatal(err)
	}
	f("a subject that is gone", func(*recount) {}, "that is not stored")
}

// now is the timestamp of the last record of a journal.
func now(t *testing.T, j *journal) (last int64) {
	t.Helper()
	if err := j.each(func(_ int, ms int64, _ []byte) { last = ms }); err != nil {
		t.Fatal(err)
	}
	return last
}

// TestJournal: what goes in comes out, in its order, whatever the sizes.
func TestJournal(t *testing.T) {
	j := &journal{}
	const n = 5_000
	value := func(i int) string { return strings.Repeat("event ", i%40) }
	for i := range n {
		j.add(i%4, int64(i)-10, []byte(value(i)))
	}
	if len(j.blocks) < 2 || j.bytes() > 200_000 {
		t.Errorf("%d blocks, %d bytes", len(j.blocks), j.bytes())
	}
	i := 0
	err := j.each(func(p int, ms int64, got []byte) {
		if p != i%4 || ms != int64(i)-10 || string(got) != value(i) {
			t.Fatalf("record %d is %d %d %q", i, p, ms, got)
		}
		i++
	})
	if err != nil || i != n {
		t.Errorf("%d records, %v", i, err)
	}
}
