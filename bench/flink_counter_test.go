//go:build linux

package bench

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"
)

// flinkCounter counts by the definition of the Flink job: the 60 whole minutes before the end of a
// minute, by the events' times alone. An event counts as often as it was sent.
type flinkCounter struct {
	incidents map[string]map[int64]*minuteCounts
}

// minuteCounts are the counts of one minute of an incident.
type minuteCounts struct {
	clicks   int64
	accounts map[string]bool
}

func (h *flinkCounter) add(value []byte) {
	e := struct {
		Time                    time.Time
		Type, Incident, Account string
		Count                   int64
	}{Count: 1}
	if json.Unmarshal(value, &e) != nil || !slices.Contains([]string{"click", "view", "share", "comment"}, e.Type) {
		return
	}
	s := h.minuteOf(e.Incident, e.Time.Unix()/60)
	s.accounts[e.Account] = true
	if e.Type == "click" {
		s.clicks += e.Count
	}
}

func (h *flinkCounter) minuteOf(incident string, minute int64) *minuteCounts {
	if h.incidents == nil {
		h.incidents = map[string]map[int64]*minuteCounts{}
	}
	if h.incidents[incident] == nil {
		h.incidents[incident] = map[int64]*minuteCounts{}
	}
	if h.incidents[incident][minute] == nil {
		h.incidents[incident][minute] = &minuteCounts{accounts: map[string]bool{}}
	}
	return h.incidents[incident][minute]
}

// expected are the pairs that some window reaches. It has no events: none makes a window cross.
func (h *flinkCounter) expected() expected {
	reached := expected{}
	for incident, all := range h.incidents {
		clicks, accounts := fullest(all)
		if clicks >= clickLimit {
			reached[pair{"clicks", incident}] = origin{}
		}
		if accounts >= readerLimit {
			reached[pair{"accounts", incident}] = origin{}
		}
	}
	return reached
}

// fullest is the most clicks and the most accounts of any window. Only windows that end with an event's minute are looked at: any other
// holds no more than the one before it.
func fullest(all map[int64]*minuteCounts) (clicks int64, accounts int) {
	minutes := slices.Sorted(maps.Keys(all))
	sum, seen, first := int64(0), map[string]int{}, 0 // seen: in how many slices
	for _, last := range minutes {
		sum += all[last].clicks
		for account := range all[last].accounts {
			seen[account]++
		}
		for ; minutes[first] <= last-hour; first++ {
			sum -= all[minutes[first]].clicks
			leave(seen, all[minutes[first]].accounts)
		}
		clicks, accounts = max(clicks, sum), max(accounts, len(seen))
	}
	return clicks, accounts
}

func leave(seen map[string]int, accounts map[string]bool) {
	for account := range accounts {
		if seen[account]--; seen[account] == 0 {
			delete(seen, account)
		}
	}
}

func TestFlinkCounter(t *testing.T) {
	var h flinkCounter
	h.add([]byte(`{"time":"2026-01-01T00:00:10Z","type":"click","incident":"i","account":"a","count":3}`))
	h.add([]byte(`{"time":"2026-01-01T00:59:59Z","type":"click","incident":"i","account":"b","count":4}`))
	h.add([]byte(`{"time":"2026-01-01T00:59:59Z","type":"view","incident":"i","account":"a"}`))
	h.add([]byte(`{"time":"2026-01-01T01:00:00Z","type":"click","incident":"i","account":"c","count":2}`))
	h.add([]byte(`{"time":"2026-01-01T01:00:00Z","type":"publish","incident":"i","account":"d"}`))
	if clicks, accounts := fullest(h.incidents["i"]); clicks != 7 || accounts != 3 {
		t.Errorf("got %d clicks, %d accounts; want 7 and 3", clicks, accounts)
	}
}
