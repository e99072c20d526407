package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/humanize"
)

// Subject prints all that is counted of one, by rules of which some more is known, and its crossings of rules that are only tried, if they
// were asked for.
func (p *Paper) Subject(s *client.Subject, rules []client.Item[client.Rule], tried []client.Item[client.Crossing], now time.Time) error {
	var f facts
	f.add(plain, "newest event", "%s", ago(s.Time, now))
	f.add(plain, "first event", "%s", ago(s.First, now))
	lines := append([]line{{bold, s.By + " " + word(s.Subject)}}, f.lines...)

	lines = append(lines, line{}, line{bold, "AGAINST ITS LIMITS"})
	rows := slices.Clone(s.Rules)
	slices.SortStableFunc(rows, func(a, b client.Row) int { return int(10_000*b.Progress) - int(10_000*a.Progress) })
	for i := range rows {
		lines = append(lines, standing(&rows[i], rules, now)...)
	}

	lines = append(lines, line{}, line{bold, "HOW THE COUNTS CAME ABOUT"})
	before := len(lines)
	for i := range s.Series {
		lines = append(lines, p.series(&s.Series[i])...)
	}
	if len(lines) == before {
		lines = append(lines, line{plain, "nothing is in a window now"})
	}

	lines = append(lines, line{}, line{bold, "CROSSINGS, the newest first"})
	if len(s.Crossings) == 0 {
		lines = append(lines, line{plain, "none, as far as the list of crossings reaches back"})
	}
	for i := range s.Crossings {
		lines = append(lines, crossingLine(&s.Crossings[i].Value))
	}
	if len(tried) > 0 {
		lines = append(lines, line{}, line{bold, "CROSSINGS IN SHADOW, which nobody is told of"})
	}
	for i := range tried {
		lines = append(lines, crossingLine(&tried[i].Value))
	}
	return p.print(append(lines, line{}, line{bold, "PROVE IT FROM THE LOG"}, line{plain, Proof(s.By, s.Subject)}, line{},
		line{dim, "A crossing is a prompt for a person to look, not a finding."})...)
}

// Proof is the command that counts a subject again from the log, and compares.
func Proof(by, id string) string {
	return "aggregator verify -config FILE -subject " + shellWord(by+"/"+id)
}

// standing is where a subject is with a rule.
func standing(r *client.Row, rules []client.Item[client.Rule], now time.Time) []line {
	head := Visible(r.Rule)
	if i := slices.IndexFunc(rules, func(x client.Item[client.Rule]) bool { return x.Value.Rule == r.Rule }); i >= 0 {
		rule := &rules[i].Value
		for _, more := range []string{rule.Title, rule.Cite, "in " + rule.Window} {
			if more != "" {
				head += "  " + Visible(more)
			}
		}
		if rule.Shadow {
			head += "  (shadow)"
		}
	}
	lines := []line{{styleOf(r), head}}
	text := fmt.Sprintf("  %s  %s  %s", pad(percent(r.Progress), 7, true), barOf(r.Progress, barWidth), announced(r))
	if r.Rate != nil {
		text += ", " + rateOf(r)
	}
	switch left := limitIn(r, now); left {
	case "-", "silent":
	case "over":
		text += ", over the limit"
	case "at it":
		text += ", at the limit"
	default:
		text += ", at the limit in " + left + " (" + stamp(r.LimitAt) + ")"
	}
	lines = append(lines, line{plain, text})
	for _, f := range figures(r) {
		text := strings.Repeat(" ", 11) + f.text
		if f.Since != nil {
			text += ", counted since " + stamp(f.Since)
		}
		lines = append(lines, line{plain, text})
	}
	return lines
}

func announced(r *client.Row) string {
	switch {
	case r.Pending != nil:
		return fmt.Sprintf("level %s, episode %d", levelOf(r), r.Episode)
	case r.Level > 0:
		return fmt.Sprintf("level %s is announced, episode %d", number(r.Level), r.Episode)
	}
	return "no level is announced"
}

// series is a measure: its sum, and a chart of it.
func (p *Paper) series(s *client.Series) []line {
	var sum int64
	for _, b := range s.Buckets {
		sum += b.Value
	}
	if sum == 0 {
		return nil
	}
	step := ""
	if s.Step != nil {
		step = " by " + Visible(*s.Step)
	}
	var rules []string
	for _, r := range s.Rules {
		rules = append(rules, Visible(r))
	}
	window := "in " + Visible(s.Window)
	if s.Window == "all" {
		window = "since the first event"
	}
	head := line{plain, fmt.Sprintf("%s: %s %s%s (%s)", Visible(s.Measure), humanize.Number(sum), window, step, strings.Join(rules, ", "))}
	columns := chartColumns
	if p.Columns > 0 {
		columns = min(columns, p.Columns-len("  9,999,999 │"))
	}
	return append([]line{head}, chart(s, columns)...)
}
