package outbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// TestLogged: the log says of a crossing which rule, of which subject, and where its event lies. An account is not named.
func TestLogged(t *testing.T) {
	f := func(change func(*thresholds.Crossing), want string) {
		t.Helper()
		c := crossingOf("inc/4 2", 8_000)
		change(c)
		for _, format := range []Format{FormatRecord, FormatHeader} {
			e, err := ParseEntry(AppendEntry(nil, format, 0, c))
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, x := range e.logged() {
				said = append(said, fmt.Sprint(x))
			}
			if got := strings.Join(said, " "); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
	f(func(*thresholds.Crossing) {},
		"rule art3-clicks by incident subject inc/4 2 crossing_level 0.8 status crossed episode 1 topic events partition 3 offset 1931")
	f(func(c *thresholds.Crossing) { c.Rule.By = thresholds.Account },
		"rule art3-clicks by account crossing_level 0.8 status crossed episode 1 topic events partition 3 offset 1931")
	f(func(c *thresholds.Crossing) { c.Level, c.Episode = 0, 12 },
		"rule art3-clicks by incident subject inc/4 2 crossing_level 0 status cleared episode 12")
	f(func(c *thresholds.Crossing) { c.Topic = "" },
		"rule art3-clicks by incident subject inc/4 2 crossing_level 0.8 status crossed episode 1")
}

// TestLogsCrossings: what was published is in the log, and nothing else. Of many at once it says how many it does not name.
func TestLogsCrossings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lateTopic{}
		p := l.publisher(t)
		var log bytes.Buffer
		p.Log = slog.New(slog.NewJSONHandler(&log, nil))
		publish := func(ids ...string) {
			t.Helper()
			if err := p.Write(t.Context(), time.Time{}, 0, entriesOf(ids...)); err != nil && l.err == nil {
				t.Fatal(err)
			}
		}
		said := func() (held []float64) {
			t.Helper()
			for line := range strings.Lines(log.String()) {
				var m map[string]any
				if err := json.Unmarshal([]byte(line), &m); err != nil || m["msg"] != "crossing published" {
					t.Fatalf("the log has %s", line)
				}
				held = append(held, m["held_back"].(float64))
			}
			log.Reset()
			return held
		}
		l.err = errCut
		publish("x/1/1")
		l.err = nil
		if got := said(); got != nil {
			t.Errorf("%v of a crossing that is not safe", got)
		}
		var many []string
		for i := range loggedCrossings + 7 {
			many = append(many, fmt.Sprintf("x/%d/1", i+10))
		}
		publish(many...)
		publish(many[:1]...) // again, which is skipped
		if got := said(); !reflect.DeepEqual(got, make([]float64, loggedCrossings)) {
			t.Errorf("%v of %d crossings", got, len(many))
		}
		<-time.After(10 * time.Second)
		publish("x/99/1")
		if got := said(); !reflect.DeepEqual(got, []float64{7}) {
			t.Errorf("%v of the next crossing", got)
		}
	})
}
