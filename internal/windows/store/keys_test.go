package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	f := func(got []byte, want string) {
		t.Helper()
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	k := Keys{Prefix: DefaultPrefix}
	id := []byte("inc:42")
	f(k.AppendRecordKey([]byte("> "), 7, "incident", id), "> aggregator:{07}r:incident:inc:42")
	f(k.AppendRecordPrefix([]byte("> "), 7), "> aggregator:{07}r:")
	f(k.AppendPartKey([]byte("> "), 63, []byte("PART"), "incident", id), "> aggregator:{63}p:PART:incident:inc:42")
	f(k.AppendFenceKey([]byte("> "), 0, "events", 12), "> aggregator:{00}f:12:events")
	f(k.AppendOutboxKey([]byte("> "), 9, 1<<63), "> aggregator:{09}o:9223372036854775808")
	f(k.AppendHeadKey([]byte("> "), 10), "> aggregator:{10}head")
	f(k.AppendPublishedKey([]byte("> "), 99), "> aggregator:{99}noted")
	f(k.AppendLeaseKey([]byte("> "), 99), "> aggregator:{99}claim")
	f(k.AppendMetaKey([]byte("> "), 100, "fingerprint"), "> aggregator:{100}m:fingerprint")
	f(k.AppendArmedKey([]byte("> "), 7), "> aggregator:{07}armed")
	f(k.AppendPingKey([]byte("> "), 7), "> aggregator:{07}ping")
	f(k.AppendTryKey([]byte("> "), 7), "> aggregator:{07}try")
	f(k.AppendProcessesKey([]byte("> ")), "> aggregator:{00}processes")
	f(k.AppendProcessKey([]byte("> "), "f00d"), "> aggregator:{00}process:f00d")
	f(k.AppendMember([]byte("> "), "incident", id), "> incident:inc:42")
	f(k.AppendMetaKey([]byte("> "), 0, SettingShards), "> aggregator:{00}m:shards")
	f(k.AppendMetaKey([]byte("> "), 0, SettingPartitions), "> aggregator:{00}m:crossing-partitions")
	f(k.AppendMetaKey([]byte("> "), 0, SettingBegins), "> aggregator:{00}m:begins")
	f(k.AppendMetaKey([]byte("> "), 0, SettingCounters), "> aggregator:{00}m:counters")
	f(k.AppendMetaKey([]byte("> "), 0, SettingOwner), "> aggregator:{00}m:owner")
	f(k.AppendMetaKey([]byte("> "), 7, SettingFingerprint), "> aggregator:{07}m:fingerprint")
	f(k.AppendBegunKey([]byte("> "), 7, "events", 12), "> aggregator:{07}m:begun:12:events")
	f(k.AppendSkippedKey([]byte("> "), 7, "events", 12), "> aggregator:{07}m:skipped:12:events")
	f(k.AppendTopicKey([]byte("> "), "events"), "> aggregator:{00}m:topic:events")
	f(k.AppendRecordPattern([]byte("> ")), "> aggregator:{*}r:*")
	f(Keys{Prefix: `a*b?c[d]e\f^-:`}.AppendRecordPattern(nil), `a\*b\?c\[d]e\\f^-:{*}r:*`)
	f(Keys{}.AppendHeadKey(nil, 7), "{07}head")
	f(Keys{Prefix: "a"}.AppendHeadKey(nil, 7), "a{07}head")
}

// TestKeysDiffer: no two things have the same key.
func TestKeysDiffer(t *testing.T) {
	seen := map[string]string{}
	f := func(key []byte, what string, args ...any) {
		t.Helper()
		what += fmt.Sprintf("%q", args)
		if other, ok := seen[string(key)]; ok {
			t.Errorf("%s and %s have the key %q", what, other, key)
		}
		seen[string(key)] = what
	}
	var k Keys
	for shard := range 3 {
		f(k.AppendHeadKey(nil, shard), "head", shard)
		f(k.AppendPublishedKey(nil, shard), "noted", shard)
		f(k.AppendLeaseKey(nil, shard), "claim", shard)
		f(k.AppendArmedKey(nil, shard), "armed", shard)
		f(k.AppendPingKey(nil, shard), "ping", shard)
		f(k.AppendTryKey(nil, shard), "try", shard)
		for n := range uint64(12) {
			f(k.AppendOutboxKey(nil, shard, n), "outbox", shard, n)
			f(k.AppendFenceKey(nil, shard, "1", int(n)), "fence 1", shard, n)
			f(k.AppendFenceKey(nil, shard, "11", int(n)), "fence 11", shard, n)
			f(k.AppendBegunKey(nil, shard, "1", int(n)), "begun", shard, n)
			f(k.AppendSkippedKey(nil, shard, "1", int(n)), "skipped", shard, n)
		}
		for _, id := range []string{"", ":", "a", "b:a", "a:a", "p:a", "1", "1:1", "{01}", "head"} {
			f(k.AppendMetaKey(nil, shard, id), "meta", shard, id)
			for _, kind := range []string{"a", "b", "head"} {
				f(k.AppendRecordKey(nil, shard, kind, []byte(id)), "record", shard, kind, id)
				for _, part := range []string{"a", "b", "1"} {
					f(k.AppendPartKey(nil, shard, []byte(part), kind, []byte(id)), "part", shard, part, kind, id)
				}
			}
		}
	}
}

func TestParseRecordKey(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, k := range []Keys{{}, {Prefix: DefaultPrefix}, {Prefix: "r:"}} {
		for range 2000 {
			id := make([]byte, random.IntN(8))
			for i := range id {
				id[i] = ":{}r0a\x00\xff"[random.IntN(8)]
			}
			shard, kind := random.IntN(120), []string{"incident", "account"}[random.IntN(2)]
			key := k.AppendRecordKey(nil, shard, kind, id)
			gotShard, gotKind, gotID, ok := k.ParseRecordKey(key)
			if !ok || gotShard != shard || gotKind != kind || !bytes.Equal(gotID, id) {
				t.Errorf("%q: got %d %q %q %v", key, gotShard, gotKind, gotID, ok)
			}
		}
	}
}

func TestParseRecordKeyRefuses(t *testing.T) {
	k := Keys{Prefix: DefaultPrefix}
	f := func(key string) {
		t.Helper()
		if shard, kind, id, ok := k.ParseRecordKey([]byte(key)); ok {
			t.Errorf("%q: got %d %q %q", key, shard, kind, id)
		}
	}
	f("")
	f("{07}r:incident:a")
	f("other:{07}r:incident:a")
	f("aggregator:07r:incident:a")
	f("aggregator:{}r:incident:a")
	f("aggregator:{x}r:incident:a")
	f("aggregator:{-1}r:incident:a")
	f("aggregator:{07r:incident:a")
	f("aggregator:{07}p:incident:a")
	f("aggregator:{07}r:incident")
	for _, key := range [][]byte{
		k.AppendHeadKey(nil, 7), k.AppendPublishedKey(nil, 7), k.AppendLeaseKey(nil, 7), k.AppendArmedKey(nil, 7), k.AppendOutboxKey(nil, 7, 1),
		k.AppendMetaKey(nil, 7, "r:a:b"), k.AppendFenceKey(nil, 7, "r", 1), k.AppendPartKey(nil, 7, []byte("r"), "a", []byte("b")),
	} {
		f(string(key))
	}
}

// TestShardOf: with another function the subjects of every store there is would be lost.
func TestShardOf(t *testing.T) {
	f := func(kind, id string, shards, want int) {
		t.Helper()
		if got := ShardOf(kind, []byte(id), shards); got != want {
			t.Errorf("%s/%.20s of %d shards: got %d, want %d", kind, id, shards, got, want)
		}
	}
	f("incident", "inc-42", 16, 4)
	f("incident", "inc-42", 1000, 356)
	f("incident", "inc-42", 1, 0)
	f("incident", "", 16, 4)
	f("account", "a/b", 16, 13)
	f("fingerprint", strings.Repeat("x", 300), 16, 6)
	f("fingerprint", strings.Repeat("x", 300), 1000, 390)
}

func TestKeysPanic(t *testing.T) {
	f := func(append func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		append()
	}
	f(func() { Keys{}.AppendHeadKey(nil, -1) })
	f(func() { Keys{}.AppendPartKey(nil, 1, []byte("a:b"), "incident", nil) })
}
