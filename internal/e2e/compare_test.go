package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
	"github.com/seed-afe14ff2/aggregator/internal/oracle"
)

// crossing is one crossing as it was published, as replay printed it, or as the oracle expects it.
type crossing struct {
	id, key string // key: by/subject
	text    string // the record without `detected`, `producer` and evidence's place
	event   string // evidence's, as are the others
	topic   string
	place   int // partition
	offset  int64
}

var (
	placeText    = regexp.MustCompile(`,"topic":"[^"]*","partition":[0-9]+,"offset":[0-9]+`)
	detectedText = regexp.MustCompile(`,"detected":"[0-9-]+T[0-9:]+\.[0-9]{3}Z","producer":"aggregator/[^"]+"`)
)

// readCrossing reads the value of a crossing, and holds it against the schema.
func readCrossing(t *testing.T, value string) crossing {
	t.Helper()
	apitest.Crossing.Check(t, []byte(value))
	var r struct {
		ID, By, Subject string
		Evidence        struct {
			Event, Topic string
			Partition    int
			Offset       int64
		}
	}
	if err := json.Unmarshal([]byte(value), &r); err != nil {
		t.Fatalf("crossing %q: %v", value, err)
	}
	return crossing{
		id: r.ID, key: r.By + "/" + r.Subject, text: detectedText.ReplaceAllString(placeText.ReplaceAllString(value, ""), ""),
		event: r.Evidence.Event, topic: r.Evidence.Topic, place: r.Evidence.Partition, offset: r.Evidence.Offset,
	}
}

// readCrossings reads records of the crossings' topic and checks what is around the values.
func readCrossings(t *testing.T, records []*kgo.Record) []crossing {
	t.Helper()
	var all []crossing
	for _, r := range records {
		a := readCrossing(t, string(r.Value))
		all = append(all, a)
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		apitest.BinaryCrossing.Check(t, headers, r.Value)
		if string(r.Key) != a.key || decoded(t, headers["ce_id"]) != a.id || decoded(t, headers["ce_subject"]) != a.key || !detectedText.Match(r.Value) {
			t.Errorf("crossing %s: key %q, headers %v, value %s", a.id, r.Key, headers, r.Value)
		}
	}
	return all
}

// decoded is what a header ce_* stands for.
func decoded(t *testing.T, header string) string {
	t.Helper()
	text, err := url.PathUnescape(header)
	if err != nil || strings.ContainsFunc(header, unicode.IsControl) {
		t.Errorf("header %q: %v", header, err)
	}
	return text
}

// expectedOf are the crossings that the oracle expects.
func expectedOf(crossings []oracle.Crossing) []crossing {
	var all []crossing
	for _, c := range crossings {
		all = append(all, crossing{id: c.ID(), key: c.By + "/" + c.Subject, text: string(c.JSON())})
	}
	return all
}

// announcedOf are those of crossings that come into the topic of crossings: those of rules that are not shadow.
func announcedOf(all []crossing) []crossing {
	return slices.DeleteFunc(all, func(c crossing) bool { return strings.Contains(c.text, `"shadow":true`) })
}

// comparison is how two lists of crossings differ.
type comparison struct {
	missed   []string // ids
	wrong    []string // what was published under an id, and what should have been
	repeated []string // ids that came again, with the same record
}

// exact says that nothing differs; a repeat with the same id and record does not count.
func (c comparison) exact() bool { return len(c.missed)+len(c.wrong) == 0 }

func (c comparison) String() string {
	head := func(list []string) string {
		return strings.Join(list[:min(len(list), 5)], "\n    ")
	}
	return fmt.Sprintf("missed %d, wrong %d, repeated %d\n  missed: %s\n  wrong: %s\n  repeated: %s",
		len(c.missed), len(c.wrong), len(c.repeated), head(c.missed), head(c.wrong), head(c.repeated))
}

// compareAll holds what came against what was to come, subject by subject: the same records in the same order.
// For the subjects that loose names, only the ids must be the same.
func compareAll(got, want []crossing, loose func(key string) bool) comparison {
	var c comparison
	came, seen := map[string][]crossing{}, map[string]string{}
	for _, a := range got {
		if text, again := seen[a.id]; again && (text == a.text || loose(a.key)) {
			c.repeated = append(c.repeated, a.id)
			continue
		} else if again {
			c.wrong = append(c.wrong, "again, but different: "+text+"\n      then "+a.text)
			continue
		}
		seen[a.id] = a.text
		came[a.key] = append(came[a.key], a)
	}
	awaited := map[string][]crossing{}
	for _, a := range want {
		awaited[a.key] = append(awaited[a.key], a)
		if _, ok := seen[a.id]; !ok {
			c.missed = append(c.missed, a.id)
		}
	}
	for key, list := range came {
		c.wrong = append(c.wrong, differences(list, awaited[key], loose(key))...)
	}
	slices.Sort(c.wrong)
	return c
}

// differences says which crossings of one subject should not have come, or not with that text, or not in that order.
func differences(got, want []crossing, loose bool) []string {
	var wrong []string
	texts := map[string]string{}
	for _, a := range want {
		texts[a.id] = a.text
	}
	same := true
	for _, a := range got {
		text, ok := texts[a.id]
		if !ok {
			wrong = append(wrong, "not to come: "+a.text)
		} else if !loose && text != a.text {
			wrong = append(wrong, "got  "+a.text+"\n      want "+text)
		}
		same = same && ok
	}
	if same && !loose && len(got) == len(want) {
		for i := range got {
			if got[i].id != want[i].id {
				wrong = append(wrong, fmt.Sprintf("order: %s came before %s", got[i].id, want[i].id))
			}
		}
	}
	return wrong
}

// strict has every subject compared record by record.
func strict(string) bool { return false }

// sameLines compares counts lines, without those of subjects that skip names.
func sameLines(got, want []string, skip func(key string) bool) []string {
	index := func(lines []string) map[string]string {
		m := map[string]string{}
		for _, line := range lines {
			var r struct{ Rule, By, Subject string }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				panic(err)
			}
			if !skip(r.By + "/" + r.Subject) {
				m[r.Rule+" "+r.By+"/"+r.Subject] = line
			}
		}
		return m
	}
	g, w := index(got), index(want)
	var wrong []string
	for k, line := range g {
		if w[k] != line {
			wrong = append(wrong, fmt.Sprintf("got  %s\n  want %s", line, w[k]))
		}
	}
	for k, line := range w {
		if _, ok := g[k]; !ok {
			wrong = append(wrong, "missing: "+line)
		}
	}
	slices.Sort(wrong)
	return wrong
}
