package apitest

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/api"
)

// TestIDs: the id of each schema is where it is in the repository, and ce_dataschema is one of them.
func TestIDs(t *testing.T) {
	names, err := fs.Glob(api.Files, "*.schema.json")
	if err != nil || len(names) < 3 {
		t.Fatal(names, err)
	}
	found := false
	for _, name := range names {
		text, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		var head struct {
			ID     string `json:"$id"`
			Schema string `json:"$schema"`
			Title  string
		}
		if err := json.Unmarshal(text, &head); err != nil {
			t.Fatal(err)
		}
		if head.ID != api.Base+name || head.Schema != "https://json-schema.org/draft/2020-12/schema" || head.Title == "" {
			t.Errorf("%s: %+v", name, head)
		}
		found = found || head.ID == api.CrossingSchema
	}
	const branch = "https://raw.githubusercontent.com/seed-afe14ff2/aggregator/main/"
	if _, err := os.Stat(path.Join("../..", strings.TrimPrefix(api.CrossingSchema, branch))); err != nil || !found || !strings.HasPrefix(api.Base, branch) {
		t.Errorf("ce_dataschema is %s: %v", api.CrossingSchema, err)
	}
}

// TestOpenAPI: what a service serves refers to no other file, and has the schema of a crossing.
func TestOpenAPI(t *testing.T) {
	var document struct {
		Components struct {
			Schemas map[string]struct{ Title string }
		}
	}
	if err := json.Unmarshal(api.OpenAPI(), &document); err != nil {
		t.Fatal(err)
	}
	if text := string(api.OpenAPI()); strings.Contains(text, "crossing.schema.json") || strings.Contains(text, `"$id"`) {
		t.Error("it refers to another file")
	}
	if got := document.Components.Schemas["Record"].Title; got != "Crossing" {
		t.Errorf("the record is %q", got)
	}
}

const crossed = `{"schema":1,"id":"r/incident/A/1/0.8","dedup_key":"r/incident/A/1","status":"crossed","severity":"warning","summary":"s","pack":"p","rule":"r","title":"","cite":"",
"by":"incident","subject":"A","level":0.8,"episode":1,"progress":0.8,"reached":["m"],"measures":{"m":{"value":8,"limit":10,"at_least":false}},
"window":{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"},"time":"2026-01-02T00:00:00Z","evidence":{"event":"e","pack_hash":""},"notice":"A prompt for human review, not a finding."}`

// TestCrossing: the schema refuses records that contradict themselves. Strictly it refuses members that it does not describe.
func TestCrossing(t *testing.T) {
	f := func(old, replacement string, lenient, strict bool) {
		t.Helper()
		if !strings.Contains(crossed, old) {
			t.Fatalf("no %s", old)
		}
		value, err := Parse([]byte(strings.Replace(crossed, old, replacement, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := Crossing.Lenient(value); (err == nil) != lenient {
			t.Errorf("%s: %v", replacement, err)
		}
		if err := Crossing.Strict(value); (err == nil) != strict {
			t.Errorf("%s: strictly %v", replacement, err)
		}
	}
	f("", "", true, true)
	f(`"cite":""`, `"cite":"","shadow":true`, true, true)
	f(`"cite":""`, `"cite":"","more":1`, true, false)
	f(`"event":"e"`, `"event":"e","more":1`, true, false)
	f(`"value":8`, `"value":8,"more":1`, true, false)
	f(`"schema":1`, `"schema":2`, false, false)
	f(`"cite":"",`, ``, false, false)
	f(`"severity":"warning"`, `"severity":"critical"`, false, false)
	f(`"level":0.8`, `"level":1`, false, false)
	f(`"level":0.8`, `"level":0`, false, false)
	f(`"crossed"`, `"cleared"`, false, false)
	f(`"event":"e",`, ``, false, false)
	f(`"event":"e"`, `"event":"e","topic":"t"`, false, false)
	f(`"event":"e"`, `"event":"e","topic":"t","partition":0,"offset":0`, true, true)
	f(`/0.8"`, `/0.80"`, false, false)
	f(`"time":"2026-01-02T00:00:00Z"`, `"time":"2026-01-02T08:00:00+08:00"`, false, false)
	f(`"pack_hash":""`, `"pack_hash":"x"`, false, false)
	f(`"value":8`, `"value":8.5`, false, false)
}
