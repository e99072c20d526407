package deadletters

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/fetchtest"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
)

// at moves a record by seconds.
func at(r records.Record, seconds int64) records.Record {
	r.Timestamp += seconds * 1_000
	return r
}

func TestSurvey(t *testing.T) {
	wide := strings.Repeat("é", exampleMost)
	log := fetchtest.Log{
		{
			at(letterOf("missing", Place{"events", 0, 1}, nil, []byte("{}")), 9),
			at(letterOf("missing", Place{"events", 0, 2}, []byte("inc-1"), []byte(`{"a":"\u001b"}`)), 3),
			letterOf("gzip", Place{"events", 0, 3}, []byte("\xff"), []byte("\x1f\x8b")),
		},
		{
			at(letterOf("missing", Place{"events", 1, 7}, []byte(wide), []byte("\x1b[2J"+wide)), 9),
			{Timestamp: fetchtest.ClicksAt, Value: []byte("of another program")},
			letterOf("too-large", Place{"events", 1, 8}, nil, nil, header(partition.HeaderCut, "1500000")),
			at(letterOf("missing", Place{"events", 1, 9}, nil, []byte("not the newest")), 5),
		},
	}
	var order []string
	s := Survey{Source: log, Topics: []string{"events.dlq"}, Each: func(l *Letter) error {
		order = append(order, fmt.Sprintf("%s %d/%d", l.Reason, l.At.Partition, l.At.Offset))
		return nil
	}}
	found, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ", "); got != "missing 0/0, missing 0/1, gzip 0/2, missing 1/0, no-reason 1/1, too-large 1/2, missing 1/3" {
		t.Errorf("letters came as %s", got)
	}
	var text []byte
	for i := range found {
		text = found[i].AppendText(text)
	}
	want := `missing: 4, first 2026-01-01T00:00:03Z, last 2026-01-01T00:00:09Z
  newest:  events/1/7 (dead letter events.dlq/1/0)
  message: what is wrong with missing
  key:     "` + strings.Repeat("é", exampleMost/2) + ` ..."
  value:   \u001b[2J` + strings.Repeat("é", exampleMost/2-2) + ` ...
gzip: 1, first 2026-01-01T00:00:00Z, last 2026-01-01T00:00:00Z
  newest:  events/0/3 (dead letter events.dlq/0/2)
  message: what is wrong with gzip
  key:     "` + "\uFFFD" + `"
  value:   \u001f` + "\uFFFD" + `
no-reason: 1, first 2026-01-01T00:00:00Z, last 2026-01-01T00:00:00Z
  newest:  unknown (dead letter events.dlq/1/1)
  message: not written by aggregator: it has no header aggregator.reason
  value:   of another program
too-large: 1, first 2026-01-01T00:00:00Z, last 2026-01-01T00:00:00Z
  newest:  events/1/8 (dead letter events.dlq/1/2)
  message: what is wrong with too-large
  value:   left out, 1,500,000 bytes
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if got := string(found[1].AppendJSON(nil)); got != `{"reason":"gzip","count":1,"first":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z",`+
		`"example":{"topic":"events","partition":0,"offset":3,"letter":{"topic":"events.dlq","partition":0,"offset":2},`+
		`"message":"what is wrong with gzip","key_base64":"/w==","value_base64":"H4s="}}` {
		t.Errorf("got %s", got)
	}
}

// TestSurveyBounded: reasons without end, or without measure, are one.
func TestSurveyBounded(t *testing.T) {
	log := fetchtest.Log{nil}
	for i := range 3 * reasonsMost {
		log[0] = append(log[0], letterOf(fmt.Sprintf("r%d", i), origin, nil, nil))
	}
	log[0] = append(log[0], letterOf(strings.Repeat("x", exampleMost+1), origin, nil, nil))
	s := Survey{Source: log, Topics: []string{"events.dlq"}}
	found, err := s.Run(t.Context())
	if err != nil || len(found) != reasonsMost+1 || found[0].Reason != otherReasons || found[0].Count != 2*reasonsMost+1 {
		t.Errorf("%d reasons, %v, the first %+v", len(found), err, found[0].Reason)
	}
}

// TestSurveyStops: what cannot be printed ends it.
func TestSurveyStops(t *testing.T) {
	errFull := errors.New("disk full")
	s := Survey{Source: fetchtest.Log{{letterOf("gzip", origin, nil, nil)}}, Topics: []string{"events.dlq"}, Each: func(*Letter) error { return errFull }}
	if _, err := s.Run(t.Context()); !errors.Is(err, errFull) || strings.Contains(err.Error(), "read") {
		t.Errorf("got %v", err)
	}
}
