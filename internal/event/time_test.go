package event

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	f := func(text string) {
		t.Helper()
		want, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		got, fault := parseTime([]byte(text))
		if fault != fine || got != want.UnixNano() {
			t.Errorf("%s: got %d, %s, want %d", text, got, faults[fault].detail, want.UnixNano())
		}
	}
	f("2026-11-22T10:00:03Z")
	f("1970-01-01T00:00:00Z")
	f("1969-12-31T23:59:59.999999999Z")
	f("2026-11-22T10:00:03.1Z")
	f("2026-11-22T10:00:03.000000001Z")
	f("2026-11-22T23:59:59.123456789+08:00")
	f("2026-11-22T10:00:03-23:59")
	f("2026-11-22T10:00:03+00:00")
	f("2026-11-22T10:00:03-00:00")
	f("2024-02-29T00:00:00Z")
	f("2000-02-29T00:00:00Z")
	f("1678-01-01T00:00:00Z")
	f("1677-12-31T23:00:00-01:00")
	f("2261-12-31T23:59:59.999999999Z")
	f("2262-01-01T07:59:59+08:00")
}

func TestParseTimeRefused(t *testing.T) {
	f := func(text string, want fault) {
		t.Helper()
		if _, got := parseTime([]byte(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, faults[got].detail, faults[want].detail)
		}
	}
	f("", faultTime)
	f("2026-11-22", faultTime)
	f("2026-11-22T10:00", faultTime)
	f("2026-11-22 10:00:03Z", faultTime)
	f("2026/11/22T10:00:03Z", faultTime)
	f("20261122T100003Z0000", faultTime)
	f("2026-11-22T10-00-03Z", faultTime)
	f("2o26-11-22T10:00:03Z", faultTime)
	f("2026-1a-22T10:00:03Z", faultTime)
	f("2026-11-22T10:00: 3Z", faultTime)
	f("+026-11-22T10:00:03Z", faultTime)
	f("1795341603", faultTime)
	f("2026-11-22t10:00:03Z", faultTimeCase)
	f("2026-11-22T10:00:03z", faultTimeCase)
	f("2026-11-22T10:00:03", faultTimeZone)
	f("2026-11-22T10:00:03.5", faultTimeZone)
	f("2026-11-22T10:00:03+0800", faultTimeZone)
	f("2026-11-22T10:00:03+08", faultTimeZone)
	f("2026-11-22T10:00:03+24:00", faultTimeZone)
	f("2026-11-22T10:00:03+08:60", faultTimeZone)
	f("2026-11-22T10:00:03 08:00", faultTimeZone)
	f("2026-11-22T10:00:03Z ", faultTimeZone)
	f("2026-11-22T10:00:03 Z", faultTimeZone)
	f("2026-11-22T10:00:03,5Z", faultTimeZone)
	f("2026-11-22T10:00:03CST", faultTimeZone)
	f("2026-11-22T10:00:03.Z", faultTimeDigits)
	f("2026-11-22T10:00:03.1234567890Z", faultTimeDigits)
	f("2026-12-31T23:59:60Z", faultTimeLeap)
	f("2026-11-22T10:00:61Z", faultTimeDate)
	f("2026-11-22T24:00:00Z", faultTimeDate)
	f("2026-11-22T10:60:00Z", faultTimeDate)
	f("2026-00-22T10:00:03Z", faultTimeDate)
	f("2026-13-22T10:00:03Z", faultTimeDate)
	f("2026-11-00T10:00:03Z", faultTimeDate)
	f("2026-11-31T10:00:03Z", faultTimeDate)
	f("2026-02-29T10:00:03Z", faultTimeDate)
	f("1900-02-29T10:00:03Z", faultTimeDate)
	f("0000-01-01T00:00:00Z", faultTimeEarly)
	f("9999-12-31T23:59:59Z", faultTimeAhead)
	f("1677-12-31T23:59:59.999999999Z", faultTimeEarly)
	f("1678-01-01T00:00:00+00:01", faultTimeEarly)
	f("2262-01-01T00:00:00Z", faultTimeAhead)
	f("2261-12-31T23:59:00-00:01", faultTimeAhead)
}

// TestParseTimeDays compares each day that is accepted with the library.
func TestParseTimeDays(t *testing.T) {
	for day := time.Date(1678, 1, 1, 12, 34, 56, 0, time.UTC); day.Year() < 2262; day = day.AddDate(0, 0, 1) {
		got, f := parseTime([]byte(day.Format(time.RFC3339)))
		if f != fine || got != day.UnixNano() {
			t.Fatalf("%s: got %d, %s, want %d", day, got, faults[f].detail, day.UnixNano())
		}
	}
}

// TestParseTimeZones writes random times in random zones, with a fraction of
// any length.
func TestParseTimeZones(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	layouts := []string{time.RFC3339, "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000000000Z07:00", time.RFC3339Nano}
	for range 10000 {
		zone := time.FixedZone("", 60*(random.IntN(2*1440-1)-1439))
		at := time.Unix(random.Int64N(maxTime-minTime)+minTime, random.Int64N(1e9)).In(zone)
		text := at.Format(layouts[random.IntN(len(layouts))])
		want, _ := time.Parse(time.RFC3339Nano, text)
		got, f := parseTime([]byte(text))
		if f != fine || got != want.UnixNano() {
			t.Fatalf("seed %d: %s: got %d, %s, want %d", seed, text, got, faults[f].detail, want.UnixNano())
		}
	}
}

func TestDecodeTime(t *testing.T) {
	accepted(t, `{"id":"e-1","type":"click","time":"2026-11-22T18:00:03\u002e000\u002b08:00"}`, base(""))
	refusedWith(t, `{"time":"2026-11-22t10:00:03Z"}`, ReasonTime, "time: T and Z in a time must be upper case, as in 2026-11-22T10:00:03Z (byte 8)")
	refusedWith(t, `{"time":"2999-01-01T00:00:00Z"}`, ReasonAhead, "time: a time after 2261 is ahead of every clock; correct the producer's (byte 8)")
	refusedWith(t, `{"time":"1500-01-01T00:00:00Z"}`, ReasonOutOfRange, "time: a time must lie in the years 1678 to 2261, in UTC (byte 8)")
}
