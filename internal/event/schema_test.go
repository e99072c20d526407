package event

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
)

// contractRecord is a line of testdata/contract.txt.
type contractRecord struct {
	verdict, value string
	beyond         string // why a schema cannot say it; "" where it can
}

var repeated = regexp.MustCompile(`\{(\d+)\*(.)\}`)

// contractRecords are the records of testdata/contract.txt.
func contractRecords(t *testing.T) (all []contractRecord) {
	t.Helper()
	text, err := os.ReadFile("testdata/contract.txt")
	if err != nil {
		t.Fatal(err)
	}
	beyond := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if why, is := strings.CutPrefix(line, "## "); is {
			beyond = why
		}
		verdict, value, _ := strings.Cut(line, " ")
		if line == "" || verdict[0] == '#' {
			continue
		}
		value = repeated.ReplaceAllStringFunc(value, func(s string) string {
			m := repeated.FindStringSubmatch(s)
			n, _ := strconv.Atoi(m[1])
			return strings.Repeat(m[2], n)
		})
		all = append(all, contractRecord{verdict, value, beyond})
	}
	return all
}

// TestSchema: the schema of events refuses what the decoder refuses, and nothing else. What a schema cannot say is marked.
func TestSchema(t *testing.T) {
	var d Decoder
	refused := map[bool]int{}
	records := contractRecords(t)
	for _, r := range records {
		verdict := "ok"
		var bad *Malformed
		if err := d.Decode(&Event{}, []byte(r.value)); errors.As(err, &bad) {
			verdict = bad.Reason
		}
		if verdict != r.verdict {
			t.Errorf("%.200s: the decoder says %s, want %s (%v)", r.value, verdict, r.verdict, bad)
		}
		value, err := apitest.Parse([]byte(r.value))
		if err == nil {
			err = apitest.Event.Lenient(value)
		}
		if (err == nil) != (verdict == "ok" || r.beyond != "") {
			t.Errorf("%.200s: the decoder says %s, the schema %v", r.value, verdict, err)
		}
		refused[err != nil]++
	}
	if len(records) < 100 || refused[true] < 80 {
		t.Errorf("%d records, of which the schema refuses %d", len(records), refused[true])
	}
}

// TestSchemaNames: the schema describes every field of an event.
func TestSchemaNames(t *testing.T) {
	for m := range unknown {
		value := map[string]any{"id": "e", "time": "2026-11-22T10:00:03Z", "type": "click", specs[m].name: []any{}}
		if apitest.Event.Lenient(value) == nil {
			t.Errorf("the schema says nothing of %s", specs[m].name)
		}
	}
}
