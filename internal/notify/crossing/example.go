package crossing

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// Example is a crossing that was made up, to try a sink. Its rule is in no pack.
func Example(now time.Time) *Crossing {
	at := now.UTC().Format(time.RFC3339)
	episode := now.Unix() // so that none has the id of the one before
	key := "example/incident/example/" + strconv.FormatInt(episode, 10)
	record, err := json.Marshal(map[string]any{
		"schema": 1, "id": key + "/1", "dedup_key": key, "status": "crossed", "severity": "critical",
		"summary": "Example: this is a test of aggregator notify, and nothing was crossed",
		"pack":    "example", "rule": "example", "title": "Example", "cite": "none", "by": "incident", "subject": "example",
		"level": 1, "episode": episode, "progress": json.RawMessage("1.0"), "reached": []string{"clicks"},
		"measures": map[string]any{"clicks": map[string]any{"value": 50_000, "limit": 50_000, "at_least": false}},
		"window":   map[string]any{"from": at, "to": at}, "time": at,
		"evidence": map[string]any{"event": "example", "pack_hash": ""}, "notice": thresholds.Notice,
	})
	if err != nil {
		panic("BUG: the example is no JSON: " + err.Error())
	}
	c, err := Of(record)
	if err != nil {
		panic(fmt.Sprintf("BUG: the example is no crossing: %v", err))
	}
	c.Timestamp = now.UnixMilli()
	return c
}
