package clienttest

import (
	"fmt"
	"strings"
)

// Now is when the answers are made up for.
const Now = "2026-11-30T10:41:07Z"

// hash is that of the pack.
var hash = strings.Repeat("9ccd73d1", 8)

// Usual is what a deployment says that works: two partitions, some subjects near limits, some of them with odd ids.
func Usual() Answers {
	a := Answers{
		Ready: "running: ok\nkafka: ok\nredis: ok\ntopics: ok\ngroup: ok\npacks: ok, cn-2019-15 9ccd73d19ccd\nprogress: ok\n", From: "2026-10-30T00:00:00Z",
		Subjects: map[string]Object{},
		Status: Object{
			"version": "v1.4.0", "revision": "3f322e0b9c5ad1", "started": "2026-11-28T05:12:44Z", "group": "aggregator", "now": Now, "stream_time": "2026-11-30T10:41:05Z",
			"partitions": []Object{Partition(1, 0), Partition(0, 0)},
			"rates":      Object{"events": 1284.6, "duplicate": 0.3, "malformed": 0, "ahead": 0, "late": 0, "unmatched": 12.4},
			"outbox":     Object{"entries": 0, "oldest_seconds": 0}, "crossings": Object{"last_hour": 3, "last_day": 41},
			"rules": Object{"packs": []Object{{"pack": "cn-2019-15", "hash": hash}}, "rules": 19, "loaded": "2026-11-28T05:12:44Z", "error": nil, "unannounced": Object{}},
		},
		Rules: []Object{
			rule("art3-clicks", "Actual clicks (实际被点击数)", "Fa Shi [2019] 15, art. 3(6)", Object{"clicks": 50_000}),
			rule("art3-accounts", "User accounts reached (用户账号数)", "Fa Shi [2019] 15, art. 3(4)", Object{"accounts": 2_000}),
		},
		Rows: []Object{
			Row("art3-clicks", "inc-42", 1.3731, 1, 0.2, nil, Object{"clicks": Measured(68_655, 50_000)}),
			Row("art3-clicks", "inc-2026-1187", 0.9642, 0.8, 0.0312, "2026-11-30T11:50:12Z", Object{"clicks": Measured(48_211, 50_000)}),
			Row("art3-accounts", "谣言-长江大桥-0417", 0.8815, 0.8, 0.0085, "2026-12-01T00:37:00Z", Object{"accounts": Measured(1_763, 2_000)}),
			Row("art3-items", "حادثة-الجسر-٤١٧", 0.795, 0.5, nil, nil, Object{"videos": Measured(87, 200), "items": Measured(720, 2_000)}),
			Row("art3-accounts", "<b>/a b\u202etxt.exe\x1b[2J", 0.43, 0, nil, nil, Object{"accounts": Object{"value": 860, "limit": 2000, "at_least": true, "since": "2026-09-01T00:00:00Z"}}),
		},
		Crossings: []Object{
			Crossed("inc-42", 1, 50_000, 3000), Crossed("谣言-长江大桥-0417", 0.8, 40_000, 2999), Crossed("inc-42", 0.8, 40_000, 2998), Crossed("inc-7", 0, 19_999, 2997),
		},
	}
	a.Rows[3]["pending"] = 0.8
	for _, row := range a.Rows {
		a.Subjects["incident/"+row["subject"].(string)] = Object{
			"by": "incident", "subject": row["subject"], "time": row["time"], "first": "2026-11-09T16:20:00Z", "rules": []Object{row}, "series": []Object{}, "crossings": []Object{},
		}
	}
	known := a.Subjects["incident/inc-42"]
	known["rules"] = []Object{Row("art3-accounts", "inc-42", 0.314, 0, nil, nil, Object{"accounts": Measured(628, 2_000)}), a.Rows[0]}
	known["crossings"] = []Object{a.Crossings[0], a.Crossings[2]}
	known["series"] = []Object{
		{"measure": "clicks", "window": "731d", "step": "1d", "rules": []string{"art3-clicks"}, "buckets": []Object{
			{"from": "2026-11-09T16:00:00Z", "value": 1_000}, {"from": "2026-11-10T16:00:00Z", "value": 20_000}, {"from": "2026-11-13T16:00:00Z", "value": 47_655},
		}},
		{"measure": "orders", "window": "all", "step": nil, "rules": []string{"ever"}, "buckets": []Object{{"from": nil, "value": 3}}},
	}
	return a
}

// Partition is one that is counted, except for some records, a second each.
func Partition(n, lag int) Object {
	return Object{
		"topic": "dissemination-events", "partition": n, "owner": "aggregator at 10.0.3.17", "offset": 48_211_904, "end": 48_211_904 + lag, "lag_records": lag, "lag_seconds": lag,
	}
}

func rule(id, title, cite string, limits Object) Object {
	return Object{
		"rule": id, "title": title, "cite": cite, "pack": "cn-2019-15", "pack_hash": hash, "by": "incident", "window": "731d", "step": "1d", "limits": limits,
		"combine": "any", "levels": []float64{0.5, 0.8, 1}, "clear": 0.4, "shadow": false, "near": 12, "over": 2,
	}
}

// Row is where an incident is with a rule.
func Row(rule, id string, progress, level float64, rate, limitAt any, measures Object) Object {
	return Object{
		"rule": rule, "by": "incident", "subject": id, "progress": progress, "level": level, "episode": 1, "measures": measures,
		"time": "2026-11-30T10:40:51Z", "rate": rate, "limit_at": limitAt,
	}
}

// Measured is a measure of a row.
func Measured(value, limit int) Object {
	return Object{"value": value, "limit": limit, "at_least": false}
}

// Crossed is a crossing of art3-clicks, or at level 0 the end of one, by an offset.
func Crossed(id string, level float64, value, offset int) Object {
	status, severity, summary := "crossed", "warning", fmt.Sprintf("incident %s: clicks %d of 50,000 in 731d", id, value)
	evidence, reached := Object{"event": fmt.Sprintf("evt-%d", offset), "topic": "dissemination-events", "partition": 3, "offset": 48_000_000 + offset, "pack_hash": hash}, []string{"clicks"}
	switch {
	case level == 0:
		status, severity, summary = "cleared", "info", "incident "+id+": cleared"
		evidence, reached = Object{"pack_hash": hash}, []string{}
	case level >= 1:
		severity = "critical"
	}
	return Object{
		"schema": 1, "id": fmt.Sprintf("art3-clicks/incident/%s/1/%v", id, level), "dedup_key": "art3-clicks/incident/" + id + "/1", "status": status, "severity": severity,
		"summary": summary, "pack": "cn-2019-15", "rule": "art3-clicks", "title": "Actual clicks (实际被点击数)", "cite": "Fa Shi [2019] 15, art. 3(6)", "by": "incident",
		"subject": id, "level": level, "episode": 1, "progress": float64(value/5) / 10_000, "reached": reached, "measures": Object{"clicks": Measured(value, 50_000)},
		"window": Object{"from": "2024-11-29T16:00:00Z", "to": "2026-11-30T10:00:03Z"}, "time": "2026-11-30T10:00:03Z", "detected": "2026-11-30T10:00:03.120Z",
		"evidence": evidence, "notice": "A prompt for human review, not a finding.", "topic": "threshold-crossings", "partition": 2, "offset": offset,
	}
}
