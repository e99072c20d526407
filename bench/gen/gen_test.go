package gen

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// all makes every record of a config.
func all(c Config) []Record {
	var records []Record
	var r Record
	for g := New(c); g.Next(&r); {
		var kept Record
		kept.set(r)
		records = append(records, kept)
	}
	return records
}

func TestSameSeedSameBytes(t *testing.T) {
	sum := func(c Config) string {
		h := sha256.New()
		for _, r := range all(c) {
			fmt.Fprintf(h, "%d %d %d %q %q\n", r.Partition, r.TimeMillis, r.Fault, r.Key, r.Value)
		}
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	keys := func(c Config) (text string) {
		for _, r := range all(c)[:100] {
			text += string(r.Key) + " "
		}
		return text
	}
	c := Config{Seed: 7, Events: 20_000, Late: 0.01, Malformed: 0.01, Ahead: 0.01}
	if a, b := sum(c), sum(c); a != b {
		t.Errorf("one seed gave %s and %s", a, b)
	}
	other := c
	other.Seed = 8
	if keys(c) == keys(other) {
		t.Error("two seeds gave the same keys")
	}
}

// fields are those each event has, and all that may be wrong with what is no event is left to its readers.
type fields struct {
	ID, Type, Incident, Account string
	Time                        time.Time
}

func TestEvents(t *testing.T) {
	c := Config{Seed: 1, Events: 50_000, Late: 0.02, Malformed: 0.03, Ahead: 0.04}.withDefaults()
	ids := map[string]bool{}
	var before int64
	size := 0
	for i, r := range all(c) {
		size += len(r.Value)
		if r.TimeMillis < before || r.Partition < 0 || r.Partition >= c.Partitions {
			t.Fatalf("record %d: time %d after %d, partition %d", i, r.TimeMillis, before, r.Partition)
		}
		before = r.TimeMillis
		if bytes.ContainsAny(r.Value, "\n\t") || len(r.Value) == 0 || len(r.Key) == 0 {
			t.Fatalf("record %d: %q %q", i, r.Key, r.Value)
		}
		if r.Fault == Malformed || r.Fault == Repeat {
			continue
		}
		checkEvent(t, c, r)
		var f fields
		_ = json.Unmarshal(r.Value, &f) // checked above
		if ids[f.ID] {
			t.Fatalf("id %s twice", f.ID)
		}
		ids[f.ID] = true
	}
	if mean := size / c.Events; mean < 195 || mean > 213 {
		t.Errorf("mean size %d, want about 204", mean)
	}
}

func checkEvent(t *testing.T, c Config, r Record) {
	t.Helper()
	var f fields
	if err := json.Unmarshal(r.Value, &f); err != nil {
		t.Fatalf("%s: %v", r.Value, err)
	}
	key := f.Incident
	if key == "" {
		key = f.Account
	}
	if f.ID == "" || f.Type == "" || f.Time.IsZero() || string(r.Key) != key || key == "" {
		t.Fatalf("key %s, event %s", r.Key, r.Value)
	}
	kafka := time.UnixMilli(r.TimeMillis)
	age := kafka.Sub(f.Time)
	low, high := -time.Millisecond, c.Jitter
	switch r.Fault {
	case Late:
		low, high = 800*24*time.Hour, 900*24*time.Hour+c.Jitter
	case Ahead:
		low, high = -66*time.Minute-time.Millisecond, -6*time.Minute
	}
	if age < low || age > high {
		t.Fatalf("fault %d, age %v: %s", r.Fault, age, r.Value)
	}
}

func TestShares(t *testing.T) {
	f := func(c Config, want map[Fault]float64) {
		t.Helper()
		got := map[Fault]int{}
		records := all(c)
		for _, r := range records {
			got[r.Fault]++
		}
		for fault := Repeat; fault <= Ahead; fault++ {
			share := float64(got[fault]) / float64(len(records))
			if low, high := want[fault]*0.9, want[fault]*1.1; share < low || share > high {
				t.Errorf("%+v: share %.5f of fault %d, want %.3f", c, share, fault, want[fault])
			}
		}
	}
	f(Config{Seed: 1, Events: 100_000}, map[Fault]float64{Repeat: 0.01})
	f(Config{Seed: 1, Events: 100_000, Repeats: -1}, nil)
	f(Config{Seed: 2, Events: 100_000, Repeats: 0.05, Late: 0.02, Malformed: 0.03, Ahead: 0.04},
		map[Fault]float64{Repeat: 0.045, Late: 0.019, Malformed: 0.028, Ahead: 0.038})
}

// TestRepeats shows that a repeat equals a record 1 to 50 before it in its partition, which may itself be one.
func TestRepeats(t *testing.T) {
	partitions := map[int][]Record{}
	repeats := 0
	for _, r := range all(Config{Seed: 3, Events: 50_000, Partitions: 5, Late: 0.1, Malformed: 0.1}) {
		earlier := partitions[r.Partition]
		partitions[r.Partition] = append(earlier, r)
		if r.Fault != Repeat {
			continue
		}
		repeats++
		found := false
		for _, e := range earlier[max(0, len(earlier)-50):] {
			found = found || bytes.Equal(e.Value, r.Value) && bytes.Equal(e.Key, r.Key) && e.Fault != Malformed
		}
		if !found {
			t.Fatalf("no record like it is among the 50 before: %s", r.Value)
		}
	}
	if repeats == 0 {
		t.Error("no repeats")
	}
}

// TestBusy: two of three incidents have most of their traffic in a third of the span.
func TestBusy(t *testing.T) {
	c := Config{Seed: 4, Events: 200_000, Incidents: 9}.withDefaults()
	crowd := New(c).crowd
	inside, total := make([]int, c.Incidents), make([]int, c.Incidents)
	for i := range c.Events {
		progress := float64(i) / float64(c.Events)
		n := crowd.incident(progress)
		total[n]++
		if crowd.busy(n, progress) {
			inside[n]++
		}
	}
	for n := range total {
		share := float64(inside[n]) / float64(total[n])
		if total[n] < 1000 || n%3 == 0 && share != 1 || n%3 != 0 && (share < 0.6 || share > 0.9) {
			t.Errorf("incident %d: %d events, %.2f of them while busy", n, total[n], share)
		}
	}
	if total[0] < 2*total[3] {
		t.Errorf("incident 0 has %d events, incident 3 %d: not Zipf", total[0], total[3])
	}
}

func BenchmarkNext(b *testing.B) {
	g := New(Config{Seed: 42, Events: b.N})
	var r Record
	b.ReportAllocs()
	for g.Next(&r) {
		b.SetBytes(int64(len(r.Value)))
	}
}
