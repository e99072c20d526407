//go:build linux

package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
	"github.com/seed-afe14ff2/aggregator/internal/event"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// countInRedis does the job of testdata/plain.yaml for one event, in the way in which counters are
// mostly kept in Redis. It has a sorted set of accounts by the minute they were last seen in, and a
// hash of clicks by minute with their total. It answers which limits are newly reached: 1 clicks, 2
// accounts.
//
// KEYS: id of the event, incident's clicks, incident's accounts. ARGV: minute, clicks or "",
// account.
var countInRedis = redis.NewScript(`
if not redis.call('SET', KEYS[1], '', 'NX', 'EX', 1200) then return 0 end
local at = tonumber(ARGV[1])
local h = redis.call('HMGET', KEYS[2], 'newest', 'total', 'crossed')
local newest, total, crossed = tonumber(h[1] or at), tonumber(h[2] or 0), tonumber(h[3] or 0)
if at < newest - 60 then return 0 end
for gone = math.max(newest, at - 61) - 60, at - 61 do
  total = total - (redis.call('HGET', KEYS[2], gone) or 0)
  redis.call('HDEL', KEYS[2], gone)
end
newest = math.max(newest, at)
if ARGV[2] ~= '' then
  total = total + ARGV[2]
  redis.call('HINCRBY', KEYS[2], at, ARGV[2])
end
redis.call('ZADD', KEYS[3], 'GT', at, ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', newest - 61)
local reached = 0
if crossed % 2 == 0 and total >= 50000 then reached = 1 end
if crossed < 2 and redis.call('ZCARD', KEYS[3]) >= 2000 then reached = reached + 2 end
redis.call('HSET', KEYS[2], 'newest', newest, 'total', total, 'crossed', crossed + reached)
return reached
`)

// perEvent is a consumer that updates Redis for each event. It sends the events of a fetched set as one pipeline, and neither
// commits offsets nor publishes: a real one costs more.
type perEvent struct {
	client    *redis.Client
	decoder   event.Decoder
	event     event.Event
	crossings []crossing
	ends      []int64 // by partition: what lies past it is not counted
}

// take counts the events of a set.
func (c *perEvent) take(ctx context.Context, partition int, set *records.Set) error {
	pipe := c.client.Pipeline()
	var r records.Record
	var answers []answer
	for {
		more, err := set.Read(ctx, &r)
		if err != nil {
			return err
		}
		if !more || r.Offset >= c.ends[partition] {
			break
		}
		if c.decoder.Decode(&c.event, r.Value) == nil && slices.Contains([]string{"click", "view", "share", "comment"}, string(c.event.Type)) {
			answers = append(answers, c.count(ctx, pipe, partition))
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	return c.read(answers)
}

// answer is what Redis answers for an event.
type answer struct {
	reached        *redis.Cmd
	subject, event string
}

func (c *perEvent) read(answers []answer) error {
	for _, a := range answers {
		reached, err := a.reached.Int()
		if err != nil {
			return err
		}
		if reached&1 > 0 {
			c.crossings = append(c.crossings, crossing{pair{"clicks", a.subject}, a.event})
		}
		if reached&2 > 0 {
			c.crossings = append(c.crossings, crossing{pair{"accounts", a.subject}, a.event})
		}
	}
	return nil
}

func (c *perEvent) count(ctx context.Context, pipe redis.Pipeliner, partition int) answer {
	clicks := ""
	if string(c.event.Type) == "click" {
		clicks = fmt.Sprint(c.event.Num[event.Count])
	}
	incident := string(c.event.Str[event.Incident])
	keys := []string{fmt.Sprintf("%d/%x", partition, xxhash.Sum64(c.event.ID)), "clicks/" + incident, "accounts/" + incident}
	reached := countInRedis.EvalSha(ctx, pipe, keys, c.event.Time/minute, clicks, string(c.event.Str[event.Account]))
	return answer{reached, incident, string(c.event.ID)}
}

// BenchmarkPerEvent lets a consumer that updates Redis for each event do the plain job on a
// twentieth of -events. That is enough: what it costs does not fall with the load. The floor does
// the same beside it.
func BenchmarkPerEvent(b *testing.B) {
	x := newFixture(b)
	l := loadBacklog(b, x.kafka, "events", gen.Config{Seed: 42, Events: *events / 20, Incidents: 20})
	var t table
	for b.Loop() {
		for range *runs {
			floor := x.floorRun(l)
			t.note("floor", floor)
			f := x.perEventRun(l)
			t.note("Redis per event", f)
			if f.crossings != floor.crossings {
				b.Errorf("%v crossings, the floor has %v", f.crossings, floor.crossings)
			}
		}
	}
	printf("load average after: %s\n\n%s", loadAverage(), &t)
	both := func(f *figures) float64 { return f.program + f.redis }
	b.ReportMetric(t.median("Redis per event", both), "cpu-s/M")
	b.ReportMetric(t.median("Redis per event", both)/t.median("floor", both), "per-event/floor")
}

// perEventRun lets perEvent read a backlog in this process.
func (x *fixture) perEventRun(l backlog) figures {
	r := x.newRun(plain, l.topic)
	c := &perEvent{client: redis.NewClient(&redis.Options{Addr: r.redis[0].Addr()}), ends: l.ends}
	defer func() {
		if err := c.client.Close(); err != nil {
			x.b.Error(err)
		}
	}()
	if err := countInRedis.Load(x.b.Context(), c.client).Err(); err != nil {
		x.b.Fatal(err)
	}
	runtime.GC()
	r.watch()
	began, used := time.Now(), ownCPU()
	var f figures
	withFetch(x.kafka, l.topic, func(client *fetch.Client) {
		err := eachSet(x.b.Context(), client, l.topic, l.ends, func(partition int, set *records.Set) error {
			return c.take(x.b.Context(), partition, set)
		})
		if err != nil {
			x.b.Fatal(err)
		}
		f.announced, f.crossings = c.crossings, float64(len(c.crossings))
	})
	f.program = (ownCPU() - used).Seconds() / (float64(l.events) / 1e6)
	f.rate = float64(l.events) / time.Since(began).Seconds()
	r.cost(&f, l.events)
	f.stored = r.redis.number("memory", "used_memory") - r.before
	r.redis.stop()
	return f
}
