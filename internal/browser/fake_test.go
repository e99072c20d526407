package browser

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/board/web"
)

// object is a JSON object.
type object = map[string]any

// fake is an API with answers that a test makes, under the board's real pages.
type fake struct {
	t   *testing.T
	url string

	mu        sync.Mutex
	token     string        // that is wanted; "": none
	away      string        // why the servers do not answer; "": they do
	fault     *string       // why the rules are not in force as they are written; nil: they are
	due       object        // subjects at a level that was not announced, by rule
	unready   string        // what the probe says; "": that it is ready
	ahead     time.Duration // of the clock of this machine
	sparse    int           // pages of the list of subjects on which nothing is that was asked for
	asked     int           // how often crossings were asked for
	rows      []object
	rules     []object
	crossings []object
	subjects  map[string]object
	partition object
	slow      chan struct{} // answers of lists wait for it; nil: they do not
	added     chan struct{} // closed, and made anew, with each crossing
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, rules: []object{}, crossings: []object{}, subjects: map[string]object{}, due: object{}, added: make(chan struct{})}
	f.partition = object{"topic": "dissemination-events", "partition": 0, "owner": "aggregator at 10.0.3.17", "offset": 48_211_904, "end": 48_211_911, "lag_records": 7, "lag_seconds": 0.4}
	mux := http.NewServeMux()
	web.Register(mux)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.unready != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(cmp.Or(f.unready, "ok\n")))
	})
	mux.HandleFunc("GET /metrics", f.guard(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(metricsText())) }))
	mux.HandleFunc("GET /api/v1/status", f.answer(func(*http.Request) any { return f.status() }))
	mux.HandleFunc("GET /api/v1/rules", f.answer(func(*http.Request) any { return object{"items": f.rules, "next": nil} }))
	mux.HandleFunc("GET /api/v1/packs/{hash}", f.answer(f.pack))
	mux.HandleFunc("GET /api/v1/subjects", f.answer(f.nearest))
	mux.HandleFunc("GET /api/v1/subject", f.answer(f.subject))
	mux.HandleFunc("GET /api/v1/crossings", f.answer(f.listed))
	mux.HandleFunc("GET /api/v1/crossing", f.answer(f.crossing))
	mux.HandleFunc("GET /api/v1/openapi.json", f.answer(func(*http.Request) any { return object{} }))
	mux.HandleFunc("GET /api/v1/stream", f.guard(f.stream))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	f.url = server.URL
	return f
}

func metricsText() string {
	return fmt.Sprintf("# TYPE x gauge\naggregator_dead_letters_total{reason=\"malformed\"} 3\naggregator_dead_letters_total{reason=\"ahead\"} 1\naggregator_dead_letters_total{reason=\"type\"} 0\n"+
		"aggregator_events_total{result=\"matched\"} 90\naggregator_events_total{result=\"unmatched\"} 8\naggregator_late_total{by=\"incident\"} 12\naggregator_late_total{by=\"account\"} 2\naggregator_capped_total 0\naggregator_store_conflicts_total 41\naggregator_store_losses_total 0\n"+
		"aggregator_http_refused_total{reason=\"token\"} 0\naggregator_canary_last_timestamp_seconds{partition=\"0\"} %d\n", time.Now().Unix()-7)
}

// set changes the fake.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// guard wants the token.
func (f *fake) guard(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		token, slow := f.token, f.slow
		f.mu.Unlock()
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			problem(w, http.StatusUnauthorized, "a token is needed: send the header Authorization: Bearer TOKEN, with the token of http.token")
			return
		}
		if slow != nil {
			select {
			case <-slow:
			case <-r.Context().Done():
				return
			}
		}
		h(w, r)
	}
}

func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"type":"about:blank","title":%q,"status":%d,"detail":%q}`, http.StatusText(status), status, detail)
}

// answer serves what a function makes; a string is why there is nothing.
func (f *fake) answer(make func(*http.Request) any) http.HandlerFunc {
	return f.guard(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if r.URL.Path == "/api/v1/crossings" {
			f.asked++
		}
		if f.away != "" {
			problem(w, http.StatusServiceUnavailable, f.away)
			return
		}
		v := make(r)
		if detail, ok := v.(string); ok {
			problem(w, http.StatusNotFound, detail)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(v)
	})
}

// now is the time by the clock of the service.
func (f *fake) now() time.Time { return time.Now().Add(f.ahead).UTC() }

func (f *fake) status() object {
	now := f.now().Format(time.RFC3339Nano)
	second := object{"topic": "dissemination-events", "partition": 1, "owner": "aggregator at 10.0.3.18", "offset": 48_190_022, "end": 48_190_022, "lag_records": 0, "lag_seconds": 0}
	return object{
		"version": "v1.4.0", "revision": "3f322e0b9c", "started": "2026-11-28T05:12:44Z", "group": "aggregator", "now": now, "stream_time": "2026-11-30T10:41:07Z",
		"partitions": []object{f.partition, second},
		"rates":      object{"events": 1284.6, "duplicate": 0.3, "malformed": 0, "ahead": 0, "late": 0.1, "unmatched": 12.4},
		"outbox":     object{"entries": 0, "oldest_seconds": 0}, "crossings": object{"last_hour": 3, "last_day": 41},
		"rules": object{"packs": []object{{"pack": "cn-2019-15", "hash": strings.Repeat("9ccd73d1", 8)}}, "rules": len(f.rules), "loaded": "2026-11-28T05:12:44Z", "error": f.fault, "unannounced": f.due},
	}
}

const packText = `pack: cn-2019-15
# What it counts, and what a lawyer should confirm: 请律师确认。
measures:
  clicks: {sum: count, types: [click]}
rules:
  - id: art3-clicks
    title: Actual clicks (实际被点击数)
    limits: {clicks: 50_000}
`

func (f *fake) pack(r *http.Request) any {
	if hash := r.PathValue("hash"); hash != strings.Repeat("9ccd73d1", 8) {
		return "no pack of this hash is in force"
	}
	return object{
		"pack": "cn-2019-15", "hash": r.PathValue("hash"), "text": packText + "# " + strings.Repeat("a long line ", 40) + "\u202e\n",
		"lines": object{"art3-clicks": 6}, "tests": object{"passed": 19, "failed": []string{"packs/cn-2019-15.yaml:210:3: tests[4]: \"clicks\": crossing 1: want no more"}},
	}
}

func (f *fake) nearest(r *http.Request) any {
	items := []object{}
	if page, _ := strconv.Atoi(r.FormValue("after")); page < f.sparse {
		return object{"items": items, "next": strconv.Itoa(page + 1)}
	}
	bound := func(name string, without float64) float64 {
		if n, err := strconv.ParseFloat(r.FormValue(name), 64); err == nil {
			return n
		}
		return without
	}
	least, most := bound("min_progress", 0), bound("max_progress", math.Inf(1))
	for _, row := range f.rows {
		rule, progress := r.FormValue("rule"), row["progress"].(float64)
		if (rule == "" || row["rule"] == rule) && (r.FormValue("by") == "" || row["by"] == r.FormValue("by")) && least <= progress && progress <= most {
			items = append(items, row)
		}
	}
	return object{"items": items, "next": nil}
}

func (f *fake) subject(r *http.Request) any {
	if s, ok := f.subjects[r.FormValue("by")+"/"+r.FormValue("id")]; ok {
		return s
	}
	return "nothing is counted of this " + r.FormValue("by")
}

func (f *fake) listed(r *http.Request) any {
	items := []object{}
	for _, c := range f.crossings {
		if c["shadow"] == true != (r.FormValue("shadow") == "true") {
			continue
		}
		if r.FormValue("status") == "" || c["status"] == r.FormValue("status") {
			items = append(items, c)
		}
	}
	return object{"items": items, "next": nil, "from": "2026-10-30T00:00:00Z"}
}

func (f *fake) crossing(r *http.Request) any {
	for _, c := range f.crossings {
		if c["id"] == r.FormValue("id") && c["shadow"] == true == (r.FormValue("shadow") == "true") {
			return c
		}
	}
	return "no crossing with this id is among those that the list reaches back to"
}

// cross adds a crossing, which the stream tells at once.
func (f *fake) cross(c object) {
	f.set(func() {
		f.crossings = append([]object{c}, f.crossings...)
		close(f.added)
		f.added = make(chan struct{})
	})
}

// stream tells the status each tenth of a second, and crossings as they come.
func (f *fake) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	f.mu.Lock()
	told := len(f.crossings)
	f.mu.Unlock()
	for {
		f.mu.Lock()
		text, added := "", f.added
		for ; told < len(f.crossings); told++ {
			text += event("crossing", f.crossings[len(f.crossings)-1-told])
		}
		if f.away != "" {
			text += event("problem", object{"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": f.away})
		} else {
			text += event("status", f.status())
		}
		f.mu.Unlock()
		if _, err := w.Write([]byte(text)); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-added:
		case <-r.Context().Done():
			return
		}
	}
}

func event(name string, data object) string {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return "event: " + name + "\ndata: " + string(b) + "\n\n"
}

// measured is a measure of a row.
func measured(value, limit int) object {
	return object{"value": value, "limit": limit, "at_least": false}
}

// fill gives the fake what a working deployment has.
func (f *fake) fill() {
	rule := func(id, title, cite, by string, limits object, combine string, near, over int) {
		f.rules = append(f.rules, object{
			"rule": id, "title": title, "cite": cite, "pack": "cn-2019-15", "pack_hash": strings.Repeat("9ccd73d1", 8), "by": by, "window": "731d", "step": "1d",
			"limits": limits, "combine": combine, "levels": []float64{0.5, 0.8, 1}, "clear": 0.4, "shadow": id == "art10-sites", "near": near, "over": over,
		})
	}
	rule("art3-clicks", "Actual clicks (实际被点击数)", "Fa Shi [2019] 15, art. 3(6)", "incident", object{"clicks": 50000}, "any", 12, 2)
	rule("art3-accounts", "User accounts reached (用户账号数)", "Fa Shi [2019] 15, art. 3(4)", "incident", object{"accounts": 2000}, "any", 7, 1)
	rule("art3-items", "Items of unlawful information (违法信息)", "Fa Shi [2019] 15, art. 3(1)-(3)", "incident", object{"videos": 200, "items": 2000}, "ratio", 4, 0)
	rule("art10-gains", "Illegal gains (违法所得)", "Fa Shi [2019] 15, art. 10(5)", "account", object{"gains": 1000000}, "any", 1, 0)
	rule("art10-sites", "Sites for crime (网站)", "Fa Shi [2019] 15, art. 10(2)", "account", object{"sites": 3}, "any", 0, 0)
	row := func(rule, by, id string, progress, level float64, rate any, in time.Duration, measures object) {
		var at any
		if in != 0 {
			at = f.now().Add(in).Format(time.RFC3339)
		}
		f.rows = append(f.rows, object{
			"rule": rule, "by": by, "subject": id, "progress": progress, "level": level, "episode": 1, "measures": measures,
			"time": f.now().Add(-16 * time.Second).Format(time.RFC3339), "rate": rate, "limit_at": at,
		})
	}
	row("art3-clicks", "incident", "inc-42", 1.3731, 1, 0.2, 0, object{"clicks": measured(68_655, 50_000)})
	row("art3-clicks", "incident", "inc-2026-1187", 0.9642, 0.8, 0.031, 69*time.Minute+50*time.Second, object{"clicks": measured(48_211, 50_000)})
	row("art3-accounts", "incident", "谣言-长江大桥-0417", 0.8815, 0.8, 0.0085, -time.Minute, object{"accounts": measured(1_763, 2_000)})
	row("art3-items", "incident", "حادثة-الجسر-٤١٧", 0.795, 0.5, 0.002, 102*time.Hour+31*time.Minute, object{"videos": measured(87, 200), "items": measured(720, 2_000)})
	row("art10-gains", "account", "p_4t6h0q2m8w9v1x5k7r3d0b6c2n", 0.64, 0.5, 0.01, 36*time.Hour, object{"gains": measured(640_000, 1_000_000)})
	row("art3-clicks", "incident", strings.Repeat("long-id-", 31)+"end12345", 0.512, 0.5, 0, 0, object{"clicks": measured(25_600, 50_000)})
	f.rows[4]["time"] = f.now().Add(-4*time.Hour - 20*time.Minute).Format(time.RFC3339)
	f.rows[5]["pending"] = 0.8
	row("art3-accounts", "incident", "<img src=x onerror=alert(1)>", 0.43, 0, 0.00001, 0, object{"accounts": object{"value": 860, "limit": 2000, "at_least": true, "since": "2026-09-01T00:00:00Z"}})
	row("art3-clicks", "incident", "\u202etxt.exe\u0007", 0.2, 0, nil, 0, object{"clicks": measured(10_000, 50_000)})
	row("gone-rule", "incident", "..", 0.11, 0, nil, 0, object{"clicks": measured(11, 100)})
	row("art3-clicks", "incident", "a\U000e0041b\u3164", 0.1, 0, nil, 0, object{"clicks": measured(5_000, 50_000)})
	for i, c := range []struct {
		rule, title, id, summary string
		level                    float64
		value                    int
	}{
		{"art3-clicks", "Actual clicks (实际被点击数)", "inc-42", "incident inc-42: clicks 50,000 of 50,000 in 731d", 1, 50000},
		{"art3-accounts", "User accounts reached (用户账号数)", "谣言-长江大桥-0417", "incident 谣言-长江大桥-0417: accounts 1,600 of 2,000 in 731d", 0.8, 1600},
		{"art3-clicks", "Actual clicks (实际被点击数)", "inc-42", "incident inc-42: clicks 40,000 of 50,000 in 731d", 0.8, 40000},
		{"art3-items", "Items of unlawful information (违法信息)", "حادثة-الجسر-٤١٧", "incident \"...\": items 1,000 of 2,000 in 731d", 0.5, 1000},
		{"art3-clicks", "Actual clicks (实际被点击数)", "inc-7", "incident inc-7: cleared", 0, 19999},
		{"art3-clicks", "Actual clicks (实际被点击数)", "inc-42", "incident inc-42: clicks 25,000 of 50,000 in 731d", 0.5, 25000},
	} {
		f.crossings = append(f.crossings, made(c.rule, c.title, c.id, c.summary, c.level, c.value, 3000-i, []int{0, 1, 6, 7, 9, 14}[i]))
	}
	tried := made("art3-clicks", "Actual clicks (实际被点击数)", "inc-tried", "incident inc-tried: clicks 25,000 of 50,000 in 731d", 0.5, 25000, 17, 2)
	tried["shadow"], tried["topic"] = true, "threshold-crossings-shadow"
	f.crossings = append(f.crossings, tried)
	for _, row := range f.rows {
		f.subjects[row["by"].(string)+"/"+row["subject"].(string)] = f.detail(row)
	}
}

// made is a crossing, so many days ago.
func made(rule, title, id, summary string, level float64, value, offset, days int) object {
	limits := map[string]int{"art3-clicks": 50000, "art3-accounts": 2000, "art3-items": 2000}
	names := map[string]string{"art3-clicks": "clicks", "art3-accounts": "accounts", "art3-items": "items"}
	at := time.Date(2026, 11, 30, 10, 0, 3, 0, time.UTC).AddDate(0, 0, -days)
	status, severity := "crossed", "warning"
	if level == 0 {
		status, severity = "cleared", "info"
	} else if level >= 1 {
		severity = "critical"
	}
	evidence, reached := object{"pack_hash": strings.Repeat("9ccd73d1", 8)}, []string{}
	if level > 0 {
		reached = []string{names[rule]}
		evidence = object{"event": fmt.Sprintf("evt-%d", offset), "topic": "dissemination-events", "partition": 3, "offset": 48_000_000 + offset, "pack_hash": strings.Repeat("9ccd73d1", 8)}
	}
	return object{
		"schema": 1, "id": fmt.Sprintf("%s/incident/%s/1/%v", rule, id, level), "dedup_key": fmt.Sprintf("%s/incident/%s/1", rule, id), "status": status, "severity": severity,
		"summary": summary, "pack": "cn-2019-15", "rule": rule, "title": title, "cite": "Fa Shi [2019] 15, art. 3(6)", "by": "incident", "subject": id, "level": level, "episode": 1,
		"progress": float64(value*10000/limits[rule]) / 10000, "reached": reached, "measures": object{names[rule]: measured(value, limits[rule])},
		"window": object{"from": "2024-11-29T16:00:00Z", "to": at.Format(time.RFC3339)}, "time": at.Format(time.RFC3339), "detected": at.Add(120 * time.Millisecond).Format("2006-01-02T15:04:05.000Z"),
		"evidence": evidence, "notice": "A prompt for human review, not a finding.", "topic": "threshold-crossings", "partition": 2, "offset": offset,
	}
}

// detail is the subject of a row, with a series that grows to its values.
func (f *fake) detail(row object) object {
	random := rand.New(rand.NewPCG(1, 2))
	series := []object{}
	for name, m := range row["measures"].(object) {
		value, days := m.(object)["value"].(int), 21
		var buckets []object
		for i, rest := 0, value; i < days && rest > 0; i++ {
			n := min(rest, 1+random.IntN(max(1, 2*value/days)))
			if i == days-1 {
				n = rest
			}
			rest -= n
			buckets = append(buckets, object{"from": time.Date(2026, 11, 9+i, 16, 0, 0, 0, time.UTC).Format(time.RFC3339), "value": n})
		}
		series = append(series, object{"measure": name, "window": "731d", "step": "1d", "rules": []any{row["rule"]}, "buckets": buckets})
	}
	var crossed []object
	for _, c := range f.crossings {
		if c["subject"] == row["subject"] {
			crossed = append(crossed, c)
		}
	}
	if crossed == nil {
		crossed = []object{}
	}
	other := object{
		"rule": "art3-accounts", "by": row["by"], "subject": row["subject"], "progress": 0.314, "level": 0, "episode": 1, "measures": object{"accounts": measured(628, 2000)},
		"time": row["time"], "rate": nil, "limit_at": nil,
	}
	return object{"by": row["by"], "subject": row["subject"], "time": row["time"], "first": "2026-11-09T16:20:00Z", "rules": []object{row, other}, "series": series, "crossings": crossed}
}
