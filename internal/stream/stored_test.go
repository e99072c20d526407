package stream

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/engine"
	"github.com/seed-afe14ff2/aggregator/internal/stream/position"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
	"github.com/seed-afe14ff2/aggregator/internal/windows"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// storedBefore is what a deployment of testdata/stored had in its store, by key.
func storedBefore(t *testing.T, prefix string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/stored/store.txt")
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		key, err := strconv.Unquote(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		if fields[0] != "string" || !strings.HasPrefix(key, prefix) {
			continue
		}
		if stored[key], err = base64.StdEncoding.DecodeString(fields[2]); err != nil {
			t.Fatal(err)
		}
	}
	return stored
}

// TestStoredBefore reads the records, parts and fences that an earlier version wrote, and writes the same bytes.
func TestStoredBefore(t *testing.T) {
	pack, err := os.ReadFile("testdata/stored/pack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	program := compile(t, string(pack))
	for _, prefix := range []string{"kept:", "passed:"} {
		b := &oldStore{t: t, keys: windowstore.Keys{Prefix: prefix}, stored: storedBefore(t, prefix)}
		b.fences()
		for _, key := range slices.Sorted(maps.Keys(b.stored)) {
			if shard, name, id, ok := b.keys.ParseRecordKey([]byte(key)); ok {
				b.record(program, shard, name, id)
			}
		}
		for key := range b.stored {
			if strings.Contains(key, "}p:") || strings.Contains(key, "}r:") || strings.Contains(key, "}f:") {
				t.Errorf("%s was not read", key)
			}
		}
		t.Logf("%s %d records, %d parts, %d fences", prefix, b.records, b.parts, b.places)
		if b.records == 0 || b.places != 48 || prefix == "kept:" && b.parts < 7 {
			t.Error("too few")
		}
	}
}

// oldStore is a store of an earlier version. What was read is taken out.
type oldStore struct {
	t      *testing.T
	keys   windowstore.Keys
	stored map[string][]byte

	records, parts, places int
}

func (b *oldStore) take(key []byte) []byte {
	value := b.stored[string(key)]
	delete(b.stored, string(key))
	return value
}

func (b *oldStore) fences() {
	for shard := range 16 {
		for partition := range 3 {
			key := b.keys.AppendFenceKey(nil, shard, strings.TrimSuffix(b.keys.Prefix, ":")+"-events", partition)
			value := b.take(key)
			m, err := position.ParseFence(value)
			if err != nil {
				b.t.Fatalf("%s: %v", key, err)
			}
			if again := m.AppendFence(nil, binary.BigEndian.Uint64(value[len(value)-8:])); !bytes.Equal(again, value) {
				b.t.Errorf("%s: read as %+v, written as %x, was %x", key, m, again, value)
			}
			b.places++
		}
	}
}

// record reads a record and its parts.
func (b *oldStore) record(p *engine.Program, shard int, name string, id []byte) {
	b.t.Helper()
	what := fmt.Sprintf("%s%s", name, id)
	kind, ok := thresholds.ParseKind(name)
	value := b.take(b.keys.AppendRecordKey(nil, shard, name, id))
	if want := windowstore.ShardOf(name, id, 16); !ok || shard != want {
		b.t.Errorf("%s is in shard %d, want %d", what, shard, want)
	}
	for _, layout := range []*windows.Layout{&p.Kinds[kind].Layout, {}} { // of this pack, and carried along for another
		s, err := windows.DecodeSubject(layout, value)
		if err != nil {
			b.t.Fatalf("%s: %v", what, err)
		}
		parts := s.Missing(nil)
		for _, part := range parts {
			b.part(s, part, b.keys.AppendPartKey(nil, shard, s.PartID(nil, part), name, id))
		}
		if !s.Whole() || len(s.Missing(nil)) > 0 || s.Changed() {
			b.t.Errorf("%s: missing %v, changed %v", what, s.Missing(nil), s.Changed())
		}
		if again := s.AppendRecord(nil, [windows.VersionSize]byte(value), s.Writer()); !bytes.Equal(again, value) {
			b.t.Errorf("%s of %d counters:\ngot  %x\nwant %x", what, len(layout.Counters), again, value)
		}
	}
	b.records++
}

func (b *oldStore) part(s *windows.Subject, p windows.Part, key []byte) {
	b.t.Helper()
	value := b.take(key)
	if err := s.Load(p, value); err != nil {
		b.t.Fatalf("%s: %v", key, err)
	}
	if again := s.AppendPart(nil, p); !bytes.Equal(again, value) {
		b.t.Errorf("%s:\ngot  %x\nwant %x", key, again, value)
	}
	b.parts++
}
