package console

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// Health is what is looked at to say how a deployment does.
type Health struct {
	Status *client.Status
	Wrong  []string      // what the process that answers says of itself
	Notes  []string      // and what it says besides
	MaxLag time.Duration // how old what is not counted, or not published, may be
}

// NotRight is what is not right, the gravest first.
func (h *Health) NotRight() (wrong []string) {
	s := h.Status
	if s.Rules.Error != nil {
		wrong = append(wrong, "the rules were not taken as they are written now: "+strings.ReplaceAll(strings.TrimSpace(*s.Rules.Error), "\n", "; "))
	}
	count := len(s.Partitions)
	if count == 0 {
		wrong = append(wrong, "no partitions of events are known")
	}
	var alone, unknown int
	for i := range s.Partitions {
		switch p := &s.Partitions[i]; {
		case p.Owner == nil:
			alone++
		case p.LagSeconds == nil:
			unknown++
		}
	}
	if alone > 0 {
		wrong = append(wrong, fmt.Sprintf("nobody counts %s of %s: look whether all processes run, and what they log", humanize.Number(alone), humanize.Count(count, "partition")))
	}
	if unknown > 0 {
		wrong = append(wrong, fmt.Sprintf("it is not known how far %s of %s are counted", humanize.Number(unknown), humanize.Count(count, "partition")))
	}
	if lag := h.oldest(); lag > h.MaxLag {
		wrong = append(wrong, fmt.Sprintf("%s behind, the oldest since %s", humanize.Count(int(h.waiting()), "record"), span(lag)))
	}
	if old := seconds(s.Outbox.Oldest); old > h.MaxLag {
		wrong = append(wrong, fmt.Sprintf("%s not published, the oldest since %s: look at Kafka, and at the log", humanize.Count(int(s.Outbox.Entries), "crossing"), span(old)))
	}
	for _, w := range Grouped(h.Wrong) {
		wrong = append(wrong, "the process that answers: "+w)
	}
	return wrong
}

var digits = regexp.MustCompile(`\d+`)

// Grouped is lines without those that are as an earlier one except for numbers; that one says how many they are. Every relay of a
// process stands still at the same time.
func Grouped(lines []string) (groups []string) {
	members := map[string]int{}
	for _, l := range lines {
		members[digits.ReplaceAllString(l, "0")]++
	}
	for _, l := range lines {
		key := digits.ReplaceAllString(l, "0")
		if n := members[key]; n > 1 {
			l += fmt.Sprintf("; and %d more like this", n-1)
		} else if n == 0 {
			continue
		}
		members[key] = 0
		groups = append(groups, l)
	}
	return groups
}

// oldest is how old the oldest event is that is known not to be counted.
func (h *Health) oldest() time.Duration {
	var most float64
	for i := range h.Status.Partitions {
		if lag := h.Status.Partitions[i].LagSeconds; lag != nil {
			most = max(most, *lag)
		}
	}
	return seconds(most)
}

func (h *Health) waiting() (records int64) {
	for i := range h.Status.Partitions {
		if lag := h.Status.Partitions[i].LagRecords; lag != nil {
			records += *lag
		}
	}
	return records
}

// Verdict is the answer in a line, or in one for each thing that is not right.
func (h *Health) Verdict() (lines []string, right bool) {
	if wrong := h.NotRight(); len(wrong) > 0 {
		for _, w := range wrong {
			lines = append(lines, "not right: "+Visible(w))
		}
		return lines, false
	}
	text := fmt.Sprintf("counting, %s, ", humanize.Count(len(h.Status.Partitions), "partition"))
	if records := h.waiting(); records > 0 {
		text += fmt.Sprintf("%s behind, the oldest since %s", humanize.Count(int(records), "record"), span(h.oldest()))
	} else {
		text += "nothing behind"
	}
	return []string{text}, true
}

// Status prints how a deployment does.
func (p *Paper) Status(h *Health) error {
	verdict, right := h.Verdict()
	var lines []line
	for _, text := range verdict {
		style := bold
		if !right {
			style = red
		}
		lines = append(lines, line{style, text})
	}
	lines = append(lines, line{})
	lines = append(lines, h.facts()...)
	lines = append(lines, line{})
	return p.print(append(lines, h.partitions()...)...)
}

func (h *Health) facts() []line {
	s := h.Status
	var f facts
	f.add(plain, "group", "%s", word(s.Group))
	f.add(plain, "answered by", "%s (%.12s), started %s", Visible(s.Version), Visible(s.Revision), ago(s.Started, s.Now))
	f.add(plain, "rules", "%s, in force since %s", humanize.Number(s.Rules.Rules), stamp(s.Rules.Loaded))
	for _, x := range s.Rules.Packs {
		f.add(plain, "  pack", "%s  %s", Visible(x.Name), Visible(x.Hash))
	}
	if text := h.unannounced(); text != "" {
		f.add(yellow, "  due", "%s", text)
	}
	f.add(plain, "events", "%s", h.rates())
	f.add(plain, "stream time", "%s", ago(s.StreamTime, s.Now))
	f.add(plain, "crossings", "%s in the last hour, %s in the last day", known(s.Crossings.Hour), known(s.Crossings.Day))
	outbox := "empty: all crossings are published"
	if n := s.Outbox.Entries; n > 0 {
		outbox = fmt.Sprintf("%s to publish, the oldest since %s", humanize.Count(int(n), "crossing"), span(seconds(s.Outbox.Oldest)))
	}
	f.add(plain, "outbox", "%s", outbox)
	for _, n := range h.Notes {
		f.add(yellow, "note", "%s", Visible(n))
	}
	return f.lines
}

// unannounced says how many subjects are at a level that is announced with their next event; "": none that is known.
func (h *Health) unannounced() string {
	of := h.Status.Rules.Unannounced
	var list []string
	for _, rule := range slices.Sorted(maps.Keys(of)) {
		list = append(list, fmt.Sprintf("%s of %s", humanize.Number(of[rule]), Visible(rule)))
	}
	if len(list) == 0 {
		return ""
	}
	return "subjects at a level that a change of the rules brought, announced with their next event: " + strings.Join(list, ", ")
}

// rates are what comes, and what of it is not counted.
func (h *Health) rates() string {
	r := h.Status.Rates
	if r == nil {
		return "not known"
	}
	text := tenth(r.Events) + " a second"
	var rest []string
	for _, x := range []struct {
		name string
		rate float64
	}{{"duplicate", r.Duplicate}, {"malformed", r.Malformed}, {"ahead", r.Ahead}, {"late", r.Late}, {"unmatched", r.Unmatched}} {
		if x.rate > 0 {
			rest = append(rest, tenth(x.rate)+" "+x.name)
		}
	}
	if len(rest) > 0 {
		text += ", of them " + strings.Join(rest, ", ")
	}
	return text
}

// known is a number of which it may not be known how large it is.
func known(n *int64) string {
	if n == nil {
		return "an unknown number"
	}
	return humanize.Number(*n)
}

// partitions is the table of them, in order.
func (h *Health) partitions() []line {
	t := table{columns: []column{{"TOPIC", false}, {"PARTITION", true}, {"OFFSET", true}, {"END", true}, {"BEHIND", true}, {"OLDEST", true}, {"OWNER", false}}}
	list := slices.SortedFunc(slices.Values(h.Status.Partitions), func(a, b client.Partition) int {
		if a.Topic != b.Topic {
			return strings.Compare(a.Topic, b.Topic)
		}
		return a.Partition - b.Partition
	})
	for i := range list {
		x := &list[i]
		style, owner, oldest := plain, "nobody", "?"
		if x.Owner != nil {
			owner = Visible(*x.Owner)
		}
		if x.LagSeconds != nil {
			oldest = "-"
			if *x.LagSeconds > 0 {
				oldest = span(seconds(*x.LagSeconds))
			}
		}
		if x.Owner == nil || x.LagSeconds == nil || seconds(*x.LagSeconds) > h.MaxLag {
			style = red
		}
		t.add(style, Visible(x.Topic), fmt.Sprint(x.Partition), offset(x.Offset), fmt.Sprint(x.End), offset(x.LagRecords), oldest, owner)
	}
	return t.lines()
}

// offset is a place in a log, or a number of records, as other tools of Kafka write them.
func offset(n *int64) string {
	if n == nil {
		return "?"
	}
	return fmt.Sprint(*n)
}
