package stream

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go/protocol/describegroups"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// memberText is what a consumer tells, in the wire's form: version, then what follows.
func memberText(parts ...any) []byte {
	b := []byte{0, 1}
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		case string:
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
		case []byte:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
		}
	}
	return b
}

// TestPeers: who is one of ours, and what others hold, whatever they write.
func TestPeers(t *testing.T) {
	k := &Kafka{Group: "g", Events: []string{"events"}, ClientID: "aggregator"}
	held := memberText(2, "events", 2, 70_000, 1, "other", 1, 5, []byte(nil))
	f := func(name, protocol, client string, metadata, assignment []byte, ours bool, want ...int) {
		t.Helper()
		p := newPeer(&describegroups.ResponseGroupMember{ClientID: client, ClientHost: "/10.0.0.7", MemberMetadata: metadata, MemberAssignment: assignment}, protocol, k)
		var got []int
		for _, h := range p.held {
			got = append(got, h.Partition)
		}
		if p.ours != ours || !slices.Equal(got, want) || p.host != "10.0.0.7" {
			t.Errorf("%s: ours %v, holds %v at %s; want %v, %v", name, p.ours, got, p.host, ours, want)
		}
	}
	f("ours", "consumer", "other name", memberText(1, "events", []byte(kin)), held, true, 70_000, 1)
	f("ours, of a version that tells nothing", "consumer", "aggregator", memberText(1, "events", []byte(nil)), held, true, 70_000, 1)
	f("a consumer", "consumer", "console-consumer", memberText(1, "events", []byte(nil)), held, false, 70_000, 1)
	f("one with our name and its own data", "consumer", "aggregator", memberText(1, "events", []byte("x")), held, false, 70_000, 1)
	f("one of two topics", "consumer", "c", memberText(2, "a", "events", []byte(kin)), nil, true)
	f("no consumer", "connect", "aggregator", memberText(1, "events", []byte(kin)), held, false)
	f("nothing", "consumer", "c", nil, nil, false)
	f("a lie", "consumer", "c", memberText(1<<30, "events"), memberText(-1, "events"), false)
	whole := memberText(1, "events", []byte(kin))
	for n := range whole {
		p := newPeer(&describegroups.ResponseGroupMember{ClientID: "c", MemberMetadata: whole[:n], MemberAssignment: held[:min(n, len(held))]}, "consumer", k)
		if p.ours {
			t.Errorf("%d of %d bytes are enough", n, len(whole))
		}
	}
}

// TestElsewhere: members that count into another store are told from those that do not say, and from other programs.
func TestElsewhere(t *testing.T) {
	f := func(data, store string, ours bool) {
		t.Helper()
		if got, is := parseKin(data); got != store || is != ours {
			t.Errorf("%q: store %q, ours %v", data, got, is)
		}
	}
	f("", "", false)
	f("x", "", false)
	f(kin, "", true)
	f(kin+"x", "", false)
	f(string(kinOf("ab")), "ab", true)
	one, other := windowstore.NewMem(1), windowstore.NewMem(1)
	a, b := storeName(one, engine.Secret{K0: 1, K1: 2}), storeName(other, engine.Secret{K0: 1, K1: 3})
	if a == b || a != storeName(other, engine.Secret{K0: 1, K1: 2}) {
		t.Errorf("stores %s and %s", a, b)
	}
	if name, err := storedName(t.Context(), one); name != noStore || err != nil {
		t.Errorf("an empty store is %q, %v", name, err)
	}
	key := engine.Secret{K0: 1, K1: 2}
	if err := one.Put(t.Context(), 0, one.Keys().AppendMetaKey(nil, 0, windowstore.SettingFingerprint), key.Bytes()); err != nil {
		t.Fatal(err)
	}
	if name, err := storedName(t.Context(), one); name != a || err != nil {
		t.Errorf("the store is %q, %v; want %q", name, err, a)
	}
	c := &census{peers: []peer{{client: "same", ours: true, store: a}, {client: "old", ours: true}, {client: "foreign"}, {client: "split", ours: true, store: b}}}
	if list := c.elsewhere(a); len(list) != 1 || list[0].client != "split" {
		t.Errorf("elsewhere: %v", list)
	}
}
