package oracle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// packTests are the tests a pack carries.
type packTests struct {
	Tests []struct {
		Name      string
		Events    []map[string]yaml.Node
		Crossings []struct {
			Rule, Subject, Level string
			At                   int
		}
	}
}

// TestBuiltInPacks runs the tests that the built-in packs carry.
func TestBuiltInPacks(t *testing.T) {
	paths, err := filepath.Glob("../thresholds/packs/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no packs: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var tests packTests
		if err := yaml.Unmarshal(data, &tests); err != nil || len(tests.Tests) == 0 {
			t.Fatalf("%s: no tests: %v", path, err)
		}
		for _, test := range tests.Tests {
			var want []string
			for _, c := range test.Crossings {
				want = append(want, fmt.Sprintf("%d %s %s %s", c.At, c.Rule, c.Subject, c.Level))
			}
			t.Run(test.Name, func(t *testing.T) {
				got := runPackTest(t, data, test.Events)
				if got, want := strings.Join(got, "\n"), strings.Join(want, "\n"); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

func runPackTest(t *testing.T, pack []byte, entries []map[string]yaml.Node) []string {
	t.Helper()
	o, err := New(pack)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	clock, at := zero, 0
	for _, entry := range entries {
		times, every := 1, time.Second
		if node, ok := entry["times"]; ok {
			times, _ = strconv.Atoi(strings.ReplaceAll(node.Value, "_", ""))
		}
		if node, ok := entry["every"]; ok {
			every, _ = time.ParseDuration(node.Value)
		}
		if node, ok := entry["time"]; ok {
			clock, _ = time.Parse(time.RFC3339Nano, node.Value)
		}
		for n := range times {
			at++
			for _, c := range o.Apply(entryEvent(t, entry, n+1, at, clock), EventTime) {
				got = append(got, fmt.Sprintf("%d %s %s %s", at, c.Rule, c.Subject, c.Level))
			}
			clock = clock.Add(every)
		}
	}
	return got
}

// entryEvent makes the n-th event of an entry.
func entryEvent(t *testing.T, entry map[string]yaml.Node, n, at int, clock time.Time) []byte {
	t.Helper()
	ev := map[string]any{"id": fmt.Sprint("made-", at)}
	for field, node := range entry {
		var number int64
		if err := node.Decode(&number); err == nil && node.Style == 0 {
			ev[field] = number
		} else {
			ev[field] = strings.ReplaceAll(node.Value, "{n}", strconv.Itoa(n))
		}
	}
	delete(ev, "times")
	delete(ev, "every")
	ev["time"] = stamp(clock)
	value, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
