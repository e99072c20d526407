package main

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// shape is the form that a value has in YAML.
type shape uint8

const (
	scalar shape = iota
	sequence
	mapping
)

// value is how a key is set. Nothing of it knows where the text comes from.
type value struct {
	shape shape
	want  string        // what to write, for messages
	text  bool          // YAML must take it for a text: no number, no date
	file  bool          // a path, relative to the config file if it stands there
	mute  bool          // no message shows it
	env   func() string // the variable that overrides it; nil: by its path
	reset func()        // forgets what was set before: items, or the other half of a secret
	// set takes a scalar, an item of a sequence, or a member of a mapping as name=value.
	set func(s string) error
}

func text(p *string) value {
	return value{want: "a text", text: true, set: func(s string) error { *p = s; return nil }}
}

// checked is a text that must pass check.
func checked(p *string, check func(string) error) value {
	return value{want: "a text", text: true, set: func(s string) error { *p = s; return check(s) }}
}

// name is a text that must not be empty.
func name(p *string) value {
	return checked(p, func(s string) error {
		if s == "" {
			return errors.New("it must not be empty")
		}
		return nil
	})
}

func filePath(p *string) value {
	v := text(p)
	v.want, v.file = "the path of a file", true
	return v
}

// packPaths are files, directories and globs.
func packPaths(p *[]string) value {
	v := list(p, func(s string) error { _, err := packFiles(s); return err })
	v.want, v.file = "a list of files, directories or globs, as [rules/own.yaml]", true
	return v
}

func list(p *[]string, check func(string) error) value {
	return value{
		shape: sequence, want: "a list, as [a, b]", text: true,
		reset: func() { *p = nil },
		set: func(s string) error {
			if slices.Contains(*p, s) {
				return fmt.Errorf("%q is in the list twice", s)
			}
			*p = append(*p, s)
			return check(s)
		},
	}
}

func pairs(p *map[string]string) value {
	return value{
		shape: mapping, want: "a mapping, as {com.example.click: click}", text: true,
		reset: func() { *p = map[string]string{} },
		set: func(s string) error {
			name, to, ok := strings.Cut(s, "=")
			if !ok || name == "" || to == "" {
				return fmt.Errorf("%q is not name=value", s)
			}
			(*p)[name] = to
			return nil
		},
	}
}

func choice(p *string, names ...string) value {
	return value{want: "one of " + strings.Join(names, ", "), text: true, set: func(s string) error {
		if !slices.Contains(names, s) {
			return fmt.Errorf("%q is not one of %s%s", s, strings.Trim(strings.Join(names, ", "), ", "), strictyaml.DidYouMean(s, names))
		}
		*p = s
		return nil
	}}
}

func toggle(p *bool) value {
	return value{want: "true or false", set: func(s string) error {
		if s != "true" && s != "false" {
			return fmt.Errorf("%q is not true or false", s)
		}
		*p = s == "true"
		return nil
	}}
}

func parseWhole(s string, least, most int) (int, error) {
	n, ok := strictyaml.Whole(s)
	if !ok {
		return 0, fmt.Errorf("%q is not a whole number, written 50000 or 50_000", s)
	}
	if n < uint64(least) || n > uint64(most) {
		return 0, fmt.Errorf("%s is out of range: it is from %d to %d", s, least, most)
	}
	return int(n), nil
}

func whole(p *int, least, most int) value {
	return value{want: "a whole number", set: func(s string) (err error) {
		*p, err = parseWhole(s, least, most)
		return err
	}}
}

// size is: a number of bytes, or one of KiB, MiB or GiB.
func size(p *int, least, most int) value {
	return value{want: "a size, as 64MiB", set: func(s string) error {
		number, unit := s, 1
		for name, n := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
			if before, ok := strings.CutSuffix(s, name); ok {
				number, unit = strings.TrimSpace(before), n
			}
		}
		n, err := parseWhole(number, 0, most/unit)
		if err != nil || n*unit < least {
			return fmt.Errorf("%q is not a size from %d to %d bytes, written 1048576 or 1MiB", s, least, most)
		}
		*p = n * unit
		return nil
	}}
}

const day = 24 * time.Hour

func duration(p *time.Duration, least, most time.Duration) value {
	return value{want: "a duration, as 10m", set: func(s string) error {
		d, err := parseDuration(s)
		if err != nil || d < least || d > most {
			return fmt.Errorf("%q is not a duration from %s to %s, written 500ms, 1s, 10m, 12h or 2d%s", s, humanize.Duration(least), humanize.Duration(most), unitHint(s, most))
		}
		*p = d
		return nil
	}}
}

// beginning is where a new group begins to count.
func beginning(p *partition.Start) value {
	return value{want: "earliest, latest, a time or a duration back", set: func(s string) (err error) {
		*p, err = parseStart(s, time.Now())
		return err
	}}
}

func parseStart(s string, now time.Time) (partition.Start, error) {
	switch s {
	case "earliest":
		return partition.Start{}, nil
	case "latest":
		return partition.Start{Latest: true}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		if at.After(now) {
			return partition.Start{}, fmt.Errorf("%s is still to come; what comes before it would be counted all the same: write latest to count from now on", s)
		}
		return partition.Start{Time: at}, nil
	}
	if back, err := parseDuration(s); err == nil && back > 0 {
		return partition.Start{Back: back}, nil
	}
	return partition.Start{}, fmt.Errorf("%q is not earliest, latest, a time as 2026-11-01T00:00:00Z or a duration back as 24h%s%s", s, strictyaml.DidYouMean(s, []string{"earliest", "latest"}), unitHint(s, 0))
}

func shortSeconds(s int64) string { return humanize.Duration(time.Duration(s) * time.Second) }

// unitHint ends a message about a duration without a unit, which most people mean in seconds, and retention in days.
func unitHint(s string, most time.Duration) string {
	n, ok := strictyaml.Whole(s)
	switch {
	case !ok || n <= 0:
		return ""
	case most >= mostRetention:
		return fmt.Sprintf("; it has no unit: write %dd for days", n)
	}
	return fmt.Sprintf("; it has no unit: write %ds for seconds", n)
}

// durationFlag is a duration on the command line.
type durationFlag time.Duration

func (d *durationFlag) String() string { return time.Duration(*d).String() }

// Set reads one.
func (d *durationFlag) Set(s string) error {
	t, err := parseDuration(s)
	if err != nil {
		return fmt.Errorf("it is no duration, written 500ms, 1s, 10m, 12h or 2d%s", unitHint(s, 0))
	}
	*d = durationFlag(t)
	return nil
}

// parseDuration reads Go's durations, and days in front of them.
func parseDuration(s string) (time.Duration, error) {
	before, rest, hasDays := strings.Cut(s, "d")
	if !hasDays {
		return time.ParseDuration(s)
	}
	days, err := parseWhole(before, 0, 100_000)
	if err != nil || rest == "" {
		return time.Duration(days) * day, err
	}
	d, err := time.ParseDuration(rest)
	return time.Duration(days)*day + d, err
}

// address checks host:port. What looks like a URL is not shown: it may hold a password.
func address(s string) error {
	if strings.ContainsAny(s, "@/") {
		return errors.New("this is not host:port but a URL, or part of one; user and password have keys of their own")
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("%q is not host:port", s)
	}
	return nil
}

// listenAddress checks [host]:port.
func listenAddress(s string) error {
	_, port, err := net.SplitHostPort(s)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65_535 {
		return fmt.Errorf("%q is not an address to listen at, as 127.0.0.1:8080 or :8080", s)
	}
	return nil
}

var topicText = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// topic checks what Kafka checks of a topic's name.
func topic(s string) error {
	if !topicText.MatchString(s) || s == "." || s == ".." {
		return fmt.Errorf("%q is not a topic's name: letters, digits, points, dashes and underscores, at most 249", s)
	}
	return nil
}

func orNone(check func(string) error) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return check(s)
	}
}

func builtinPack(s string) error {
	if _, ok := thresholds.Builtin(s); !ok {
		return fmt.Errorf("%s (files of your own belong under rules.files)", noBuiltin(s))
	}
	return nil
}
