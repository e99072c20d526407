package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// crossingsBroker is a Kafka in memory with a topic of crossings.
func crossingsBroker(t *testing.T, partitions int32) (addr string, client *kgo.Client) {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "threshold-crossings"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	client, err = kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.DefaultProduceTopic("threshold-crossings"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return k.ListenAddrs()[0], client
}

// someCrossing is a record of a subject.
func someCrossing(subject string, episode int) *kgo.Record {
	key := fmt.Sprintf("art3-clicks/incident/%s/%d", subject, episode)
	return &kgo.Record{Key: []byte("incident/" + subject), Value: fmt.Appendf(nil,
		`{"schema":1,"id":"%s/1","dedup_key":"%s","status":"crossed","severity":"critical","summary":"S","pack":"p","rule":"art3-clicks","title":"T","cite":"C","by":"incident","subject":"%s","level":1,"episode":%d,"measures":{"clicks":{"value":1,"limit":1,"at_least":false}},"time":"2026-11-22T10:00:03Z","notice":"N"}`,
		key, key, subject, episode), Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte(key + "/1")}}}
}

// TestNotify delivers to a webhook, from a broker in memory.
func TestNotify(t *testing.T) {
	addr, client := crossingsBroker(t, 3)
	var mu sync.Mutex
	var got []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), `"specversion":"1.0"`) {
			t.Errorf("%v: %s", err, body)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Header.Get("webhook-id"))
	}))
	defer hook.Close()
	config := servers.WriteFile(t, "c.yaml", fmt.Sprintf(
		"kafka: {brokers: [%q]}\nhttp: {listen: \"127.0.0.1:0\"}\nnotify:\n  - {name: hook, webhook: {url: %q}}\n", addr, hook.URL))
	for i := range 20 {
		if err := client.ProduceSync(t.Context(), someCrossing(fmt.Sprint("s", i%5), i/5+1)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	run := func(n int) {
		t.Helper()
		p := start(t, nil, "notify", "-config", config)
		servers.Await(t, limit, 10*time.Millisecond, "all is delivered", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(got) >= n
		})
		p.stop()
		if code := p.exit(t); code != exitFine {
			t.Errorf("exit code %d\n%s", code, p.err.String())
		}
	}
	run(20)
	if err := client.ProduceSync(t.Context(), someCrossing("s9", 1)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	run(21)
	slices.Sort(got)
	if unique := slices.Compact(slices.Clone(got)); len(got) != 21 || len(unique) != 21 {
		t.Errorf("%d are delivered, %d different ones", len(got), len(unique))
	}
}
