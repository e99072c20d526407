package console

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rivo/uniseg"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// Visible is a text in which nothing is hidden, and nothing acts on a terminal: what has no shape is written as \u202e.
// The board writes the same.
func Visible(text string) string {
	plain := func(c rune) bool {
		return unicode.IsGraphic(c) && !unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	}
	if strings.IndexFunc(text, func(c rune) bool { return !plain(c) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, c := range text {
		switch {
		case plain(c):
			b.WriteRune(c)
		case c > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, c)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

// word is an id as it is, if it can only be read as one word, otherwise in quotes.
func word(id string) string {
	if strictyaml.IsPlain(id) && Visible(id) == id {
		return id
	}
	return `"` + Visible(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(id)) + `"`
}

// shellWord is a text as one word of a shell. What has no shape is written in bash's own way.
func shellWord(text string) string {
	isPlain := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("_@%+=:,./-", c)
	}
	switch {
	case text != "" && strings.IndexFunc(text, func(c rune) bool { return !isPlain(c) }) < 0:
		return text
	case Visible(text) == text:
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return "$'" + Visible(strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text)) + "'"
}

// width is how many columns of a terminal a text takes: letters of East Asia take two, marks none.
func width(text string) int { return uniseg.StringWidth(text) }

// fit shortens a text to a width.
func fit(text string, most int) string {
	if width(text) <= most {
		return text
	}
	if most < 1 {
		return ""
	}
	var b strings.Builder
	left := most - 1
	for state := -1; text != ""; {
		var cluster string
		var w int
		if cluster, text, w, state = uniseg.FirstGraphemeClusterInString(text, state); w > left {
			break
		}
		b.WriteString(cluster)
		left -= w
	}
	return b.String() + "…"
}

// pad fills a text up to a width.
func pad(text string, to int, right bool) string {
	space := strings.Repeat(" ", max(0, to-width(text)))
	if right {
		return space + text
	}
	return text + space
}

// percent is a progress, rounded down: what is not at its limit never reads 100 %, nor what is over it.
func percent(progress float64) string {
	if tenths := math.Floor(progress*1000 + 1e-9); tenths < 1010 && tenths != 1000 {
		return strconv.FormatFloat(tenths/10, 'f', 1, 64) + " %"
	}
	return humanize.Number(int64(math.Floor(progress*100+1e-9))) + " %"
}

// number is a level, or a rate, as short as it can be.
func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// tenth is a number of one decimal at most.
func tenth(n float64) string {
	tenths := int64(math.Round(math.Abs(n) * 10))
	text := humanize.Number(tenths / 10)
	if tenths%10 > 0 {
		text += fmt.Sprintf(".%d", tenths%10)
	}
	if n < 0 && tenths > 0 {
		text = "-" + text
	}
	return text
}

// span is how long something is, in its two largest units.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return tenth(max(0, d.Seconds())) + "s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	const day = 24 * time.Hour
	for _, u := range []struct {
		size, below time.Duration
		names       string
	}{{day, time.Hour, "dh"}, {time.Hour, time.Minute, "hm"}, {time.Minute, time.Second, "ms"}} {
		if d < u.size {
			continue
		}
		text := humanize.Number(int64(d/u.size)) + u.names[:1]
		if rest := d % u.size / u.below; rest > 0 {
			text += fmt.Sprintf("%d%s", rest, u.names[1:])
		}
		return text
	}
	panic("unreachable")
}

// seconds is a number of seconds as a duration.
func seconds(n float64) time.Duration {
	return time.Duration(min(n, 1e9) * float64(time.Second))
}

// stamp is a moment, in UTC.
func stamp(t *time.Time) string {
	if t == nil {
		return "not known"
	}
	return t.UTC().Format(time.RFC3339)
}

// ago is a moment, and how long ago it was.
func ago(t *time.Time, now time.Time) string {
	if t == nil {
		return stamp(t)
	}
	if d := now.Sub(*t); d >= 0 {
		return stamp(t) + ", " + span(d) + " ago"
	}
	return stamp(t) + ", in " + span(t.Sub(now))
}
