package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

const examples = "../../docs/examples"

// TestExamplesAreQuoted: docs/consume.md shows each example as it is.
func TestExamplesAreQuoted(t *testing.T) {
	var shown []string
	for _, b := range blocksOf(t, "../../docs/consume.md") {
		shown = append(shown, b.text)
	}
	n := 0
	err := filepath.WalkDir(examples, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if n++; err == nil && !slices.Contains(shown, string(text)) {
			t.Errorf("docs/consume.md does not show %s as it is", path)
		}
		return err
	})
	if err != nil || n < 7 {
		t.Errorf("%d examples: %v", n, err)
	}
}

// jsonOf are the values of a text one after the other.
func jsonOf(t *testing.T, text string) (values []any) {
	t.Helper()
	for d := json.NewDecoder(strings.NewReader(text)); d.More(); {
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		values = append(values, v)
	}
	return values
}

// TestBodies: the programs of jq in docs/consume.md make of the crossings of docs/events.md what the page says.
func TestBodies(t *testing.T) {
	servers.Require(t, "jq")
	var crossings bytes.Buffer
	for _, b := range blocksOf(t, "../../docs/events.md") {
		if b.language == "json" {
			crossings.WriteString(b.text)
		}
	}
	arguments := map[string][]string{
		"alertmanager.jq": {"-s", "--arg", "until", "2026-11-23T10:00:03Z"}, "pagerduty.jq": {"--arg", "key", "ROUTING_KEY"}, "opsgenie.jq": nil, "slack.jq": nil,
	}
	blocks := blocksOf(t, "../../docs/consume.md")
	for name, args := range arguments {
		file := filepath.Join(examples, name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(blocks, func(b block) bool { return b.text == string(text) })
		cmd := exec.Command("jq", append(args, "-f", file)...)
		cmd.Stdin = bytes.NewReader(crossings.Bytes())
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, want := jsonOf(t, string(out)), jsonOf(t, blocks[at+1].text); !reflect.DeepEqual(got, want) {
			t.Errorf("%s makes\n%s\nwhich docs/consume.md does not say", name, out)
		}
	}

	long := strings.ReplaceAll(crossings.String(), "inc-42", strings.Repeat("i", 256))
	cmd := exec.Command("jq", "--arg", "key", "K", "-f", filepath.Join(examples, "pagerduty.jq"))
	cmd.Stdin = strings.NewReader(long)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "PagerDuty would cut this key") {
		t.Errorf("a key that is too long: %v, %s", err, out)
	}
}

// TestInhibitRule: Alertmanager takes the config of docs/consume.md.
func TestInhibitRule(t *testing.T) {
	servers.Require(t, "amtool")
	out, err := exec.Command("amtool", "check-config", filepath.Join(examples, "alertmanager.yml")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1 inhibit rules") {
		t.Errorf("%v: %s", err, out)
	}
}

// refusedRow is a row of the table in docs/produce.md: the reason, and a record.
var refusedRow = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| `(.+?)` \\| ")

// TestProduce: of the records of docs/produce.md those are taken that should be, and the others refused for the reason given.
// The schemas say the same, as far as they can.
func TestProduce(t *testing.T) {
	const page = "../../docs/produce.md"
	var d event.Decoder
	taken, http := 0, 0
	for _, b := range blocksOf(t, page) {
		switch b.language {
		case "ndjson":
			for line := range strings.Lines(b.text) {
				if err := d.Decode(&event.Event{}, []byte(line)); err != nil {
					t.Errorf("%s: %v", line, err)
				}
				apitest.Event.Check(t, []byte(strings.TrimSpace(line)))
				taken++
			}
		case "http":
			headers, value := binaryRecord(t, b.text)
			var e event.Event
			if err := d.DecodeRecord(&e, value, headers); err != nil || len(e.ID) == 0 || len(e.Source) == 0 {
				t.Errorf("%s: %v", b.text, err)
			}
			http++
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := refusedRow.FindAllSubmatch(text, -1)
	for _, row := range rows {
		var bad *event.Malformed
		if err := d.Decode(&event.Event{}, row[2]); !errors.As(err, &bad) || bad.Reason != string(row[1]) {
			t.Errorf("%s: %v, want %s", row[2], err, row[1])
		}
		value, err := apitest.Parse(row[2])
		if err == nil {
			err = apitest.Event.Lenient(value)
		}
		if beyond := bad != nil && (bad.Reason == event.ReasonDuplicate || bad.Reason == event.ReasonSurrogate); (err == nil) != beyond {
			t.Errorf("%s: the schema says %v", row[2], err)
		}
	}
	if taken < 3 || http != 1 || len(rows) < 15 {
		t.Errorf("%d events, %d binary CloudEvents, %d records that are refused", taken, http, len(rows))
	}
}

// binaryRecord is a record that a page shows with its headers in front.
func binaryRecord(t *testing.T, text string) (headers []event.Header, value []byte) {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	names, err := textproto.NewReader(bufio.NewReader(strings.NewReader(head + "\n\n"))).ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for name, values := range names {
		name = strings.ToLower(name)
		all[name] = values[0]
		headers = append(headers, event.Header{Key: []byte(name), Value: []byte(values[0])})
	}
	value = []byte(strings.TrimSpace(body))
	apitest.BinaryEvent.Check(t, all, value)
	return headers, value
}
