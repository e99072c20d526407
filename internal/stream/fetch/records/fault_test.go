package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records/recordstest"
)

// TestReadUnreadable reads a batch that is not what its header says, between two that are: what can be read is, the rest is one fault.
func TestReadUnreadable(t *testing.T) {
	r := number(10, 4)
	f := func(what string, change func(h *batch), want string) {
		t.Helper()
		h := packed(r[0], r[1], r[2])
		change(h)
		recordstest.Equal(t, what, read(set(9, packed(number(9, 1)...), h, packed(number(13, 1)...))), "9:1000:k9=v9 "+want+" 13:1000:k13=v13")
	}
	fault := func(at int64, cause string) string {
		kind := "unreadable"
		about := fmt.Sprintf("those from %d on are not read", at)
		if at == 13 {
			kind, about = "surplus", "something was passed over"
		}
		return fmt.Sprintf("{%s to 13: of the batch of offsets 10 to 12 %s: %s}%d:1000:null=null", kind, about, cause, at)
	}
	all := []string{"10:1000:k10=v10", "11:1001:k11=v11", "12:1002:k12=v12"}
	to := func(n int, end string) string { return strings.Join(append(all[:n:n], end), " ") }

	f("not compressed", func(h *batch) { h.attrs = codecGzip }, fault(10, "decompress: gzip: invalid header"))
	f("too many", func(h *batch) { h.count = 4 }, to(3, fault(13, "record does not fit its batch")))
	f("too few", func(h *batch) { h.count = 2 }, to(2, fault(12, "bytes behind the last record of a batch")))
	f("trailing", func(h *batch) { h.payload = append(h.payload, 1) }, to(3, fault(13, "bytes behind the last record of a batch")))
	f("cut", func(h *batch) { h.payload = h.payload[:len(h.payload)-1] }, to(2, fault(12, "record does not fit its batch")))
	f("nothing", func(h *batch) { h.payload = nil }, fault(10, "record does not fit its batch"))
	for _, codec := range []int16{codecGzip, codecSnappy, codecLZ4, codecZstd} {
		f(codecNames[codec]+" of too few", func(h *batch) {
			h.count = 2
			*h = *h.squeezed(codec)
		}, to(2, fault(12, "bytes behind the last record of a batch")))
		f(codecNames[codec]+" of too many", func(h *batch) {
			h.count = 4
			*h = *h.squeezed(codec)
		}, to(3, fault(13, "record does not fit its batch")))
	}
}

// TestReadOdd reads batches with odd offsets as Java's client does. What is below the next offset
// is passed over, and the end of the batch is the next offset.
func TestReadOdd(t *testing.T) {
	f := func(want string, deltas ...int64) {
		t.Helper()
		h := &batch{count: int32(len(deltas)), first: 10, last: 9 + int64(len(deltas)), base: 1000, producer: -1}
		for i, d := range deltas {
			h.payload = appendRecord(h.payload, h, &Record{Offset: 10 + d, Timestamp: 1000, Value: fmt.Append(nil, i)})
		}
		for _, codec := range []int16{codecNone, codecZstd} {
			got := read(set(5, h.squeezed(codec), packed(number(h.last+1, 1)...)))
			got = strings.ReplaceAll(got, ": records have an offset that another one of their batch has", "")
			recordstest.Equal(t, fmt.Sprint(deltas), got, want)
		}
	}
	f("10:1000:null=0 11:1000:null=1 12:1000:k12=v12", 0, 1)
	f("10:1000:null=0 {unreadable to 12: of the batch of offsets 10 to 11 those from 11 on are not read}11:1000:null=null 12:1000:k12=v12", 0, 0)
	f("10:1000:null=0 11:1000:null=1 12:1000:k12=v12", 0, 7)
	f("11:1000:null=1 {surplus to 12: of the batch of offsets 10 to 11 something was passed over}12:1000:null=null 12:1000:k12=v12", -1, 1)
	f("10:1000:null=0 12:1000:null=2 {surplus to 13: of the batch of offsets 10 to 12 something was passed over}13:1000:null=null 13:1000:k13=v13", 0, 0, 2)
	f("10:1000:null=0 11:1000:null=1 12:1000:null=2 13:1000:k13=v13", 7, 1, 1<<40)
	f("{unreadable to 12: of the batch of offsets 10 to 11 those from 10 on are not read}10:1000:null=null 12:1000:k12=v12", -7, -1<<40)
}

// TestReadManyOdd reads a batch whose records all have one offset: after some the rest is not looked at.
func TestReadManyOdd(t *testing.T) {
	h := packed(Record{Offset: 10})
	h.count, h.last = 1<<30, 10+1<<30-1
	h.payload = bytes.Repeat(h.payload, 200_000)
	s := set(10, h.squeezed(codecZstd))
	recordstest.Equal(t, "odd", strings.Contains(faultText(t, s), "unreadable to 1073741834"), true)
	if s.fault.PassedOver != mostOdd+1 {
		t.Errorf("%d records were passed over", s.fault.PassedOver)
	}
}

// TestReadTooLarge reads records that are too large among others, in each codec and from each offset.
func TestReadTooLarge(t *testing.T) {
	wide := bytes.Repeat([]byte("wide "), 300_000)
	heads := []Header{{[]byte("h"), []byte("v")}, {[]byte("i"), nil}}
	many := make([]Header, MaxHeaders+1)
	for i := range many {
		many[i].Key = []byte{}
	}
	records := []Record{
		{Offset: 10, Value: []byte("a")},
		{Offset: 11, Timestamp: 5, Key: []byte("key"), Value: wide, Headers: heads},
		{Offset: 12, Key: wide, Value: []byte("small")},
		{Offset: 13, Key: []byte("key"), Headers: []Header{{wide, wide}}},
		{Offset: 14, Value: wide[:usual.record-8]}, // of 1 MiB, just
		{Offset: 15, Value: []byte("b"), Headers: many},
		{Offset: 16, Value: []byte("c"), Headers: []Header{{[]byte("h"), wide[:MaxHeaderBytes]}}},
		{Offset: 17, Value: []byte("d"), Headers: many[1:]},
		{Offset: 18, Value: wide, Headers: many},
		{Offset: 19, Value: []byte("e")},
	}
	const left = "the record has %d bytes; of one of more than 1048576 the value is left out"
	want := []string{
		"10:0:null=a",
		fmt.Sprintf("{too large to 12: "+left+"}11:5:key=null[h=v][i=null] 1500000", 1500019),
		fmt.Sprintf("{too large to 13: "+left+"}12:0:null=null 5", 1500014),
		fmt.Sprintf("{too large to 14: "+left+"}13:0:key=null -1", 3000017),
		"14:0:null=1048568 bytes",
		"{too large to 16: the record has 1001 headers of 2002 bytes together; more than 1000, or 65536 bytes, are left out}15:0:null=b -1",
		"{too large to 17: the record has 1 headers of 65541 bytes together; more than 1000, or 65536 bytes, are left out}16:0:null=c -1",
		"17:0:null=d 1000 headers",
		fmt.Sprintf("{too large to 19: "+left+"}18:0:null=null 1500000", 1502012),
		"19:0:null=e",
	}
	for codec, name := range codecNames {
		raw := packed(records...).squeezed(codec).append(nil)
		for from := range records {
			s := setOf(10+int64(from), raw)
			s.dec.piece = 100_000
			recordstest.Equal(t, name, faultText(t, s), strings.Join(want[from:], "\n"))
		}
	}
}

// faultText writes the records of a set, a line each, in short.
func faultText(t *testing.T, s *Set) string {
	t.Helper()
	var lines []string
	var r Record
	for {
		ok, err := s.Read(t.Context(), &r)
		if err != nil {
			t.Error(err)
		}
		if !ok {
			return strings.Join(lines, "\n")
		}
		line, value := "", recordstest.Show(r.Value)
		if r.Fault != nil {
			line = fmt.Sprintf("{%s to %d: %v}", faultNames[r.Fault.Kind], r.Fault.Next, r.Fault)
		}
		if len(value) > 100 {
			value = fmt.Sprint(len(value), " bytes")
		}
		line += fmt.Sprintf("%d:%d:%s=%s", r.Offset, r.Timestamp, recordstest.Show(r.Key), value)
		if len(r.Headers) > 10 {
			line += fmt.Sprintf(" %d headers", len(r.Headers))
			r.Headers = r.Headers[:0]
		}
		for _, h := range r.Headers {
			line += fmt.Sprintf("[%s=%s]", recordstest.Show(h.Key), recordstest.Show(h.Value))
		}
		if r.Fault != nil {
			line += fmt.Sprint(" ", r.Fault.Value)
		}
		lines = append(lines, line)
	}
}

// bomb makes a batch of a record of n zeros and a record after it, in zstd, without having them.
func bomb(n int64) *batch {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(64<<10), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	h := packed(Record{Offset: 10}, Record{Offset: 11, Value: []byte("behind it")})
	first := append([]byte{0, 0, 0, 1}, binary.AppendVarint(nil, n)...)
	b := append(binary.AppendVarint(nil, int64(len(first))+n+1), first...)
	zeros := make([]byte, 1<<20)
	for _, err := w.Write(b); n > 0 && err == nil; n -= int64(len(zeros)) {
		zeros = zeros[:min(n, int64(len(zeros)))]
		_, err = w.Write(zeros)
	}
	second := packed(Record{Offset: 10}, Record{Offset: 11, Value: []byte("behind it")}).payload[7:]
	write(w, append([]byte{0}, second...))
	h.payload, h.attrs = out.Bytes(), codecZstd
	return h
}

// TestReadBomb reads batches of some 100 KB that become 70 MB and more. The last is left at 1 GiB.
func TestReadBomb(t *testing.T) {
	for n, want := range map[int64]string{
		70_000_000:    "11:0:null=behind it",
		1_000_000_000: "11:0:null=behind it",
		1_200_000_000: "{unreadable to 12: of the batch of offsets 10 to 11 those from 11 on are not read: the batch becomes more than 1073741824 bytes when it is decompressed}11:0:null=null -1",
	} {
		h := bomb(n)
		s := set(10, h)
		began := time.Now()
		recordstest.Equal(t, fmt.Sprint(n), strings.ReplaceAll(faultText(t, s), fmt.Sprint(" ", n+9), fmt.Sprint(" ", n+10)), fmt.Sprintf(
			"{too large to 11: the record has %d bytes; of one of more than 1048576 the value is left out}10:0:null=null %d\n%s", n+10, n, want))
		t.Logf("%d bytes that become %d: %v", len(h.payload), n, time.Since(began))
		if cap(s.dec.buf) > 2*s.dec.piece {
			t.Errorf("%d: a buffer of %d bytes", n, cap(s.dec.buf))
		}
	}
	free(t)
}

// free waits until nobody has a window.
func free(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := windowRoom.Acquire(ctx, widestWindow); err != nil {
		t.Fatal("windows were not given back")
	}
	windowRoom.Release(widestWindow)
}

// TestReadInterrupted ends the context before and within a large batch: reading ends, and what was not read is not passed over.
func TestReadInterrupted(t *testing.T) {
	for _, codec := range []int16{codecGzip, codecSnappy, codecLZ4, codecZstd} {
		h := packed(Record{Offset: 10}, Record{Offset: 11, Value: make([]byte, 20<<20)}, Record{Offset: 12}).squeezed(codec)
		s := set(10, h)
		s.dec.piece = 100_000
		ctx, cancel := context.WithCancel(t.Context())
		var r Record
		if ok, err := s.Read(ctx, &r); !ok || err != nil || r.Offset != 10 {
			t.Fatalf("%s: %v, error %v", codecNames[codec], r, err)
		}
		cancel()
		for range 2 {
			if ok, err := s.Read(ctx, &r); ok || !errors.Is(err, context.Canceled) || s.at != 11 {
				t.Errorf("%s: %v, error %v, at %d", codecNames[codec], ok, err, s.at)
			}
		}
	}
	free(t)
}

// TestReadWindows reads large batches of the widest windows in turns: they have their windows one after the other, and
// what each gives is right.
func TestReadWindows(t *testing.T) {
	noise := text(3 << 20)
	var records []Record
	for i := range 12 {
		records = append(records, Record{Offset: int64(i), Value: noise[i*1000 : i*1000+900_000]})
	}
	plain := packed(records...)
	h := *plain
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(widestWindow))
	if err != nil {
		t.Fatal(err)
	}
	write(w, h.payload)
	h.payload, h.attrs = out.Bytes(), codecZstd
	began := time.Now()
	sets := []*Set{set(0, &h), set(0, plain.squeezed(codecZstd)), set(0, &h)}
	for i := range records {
		for n, s := range sets {
			var r Record
			if ok, err := s.Read(t.Context(), &r); !ok || err != nil || r.Offset != int64(i) || !bytes.Equal(r.Value, records[i].Value) {
				t.Fatalf("set %d: offset %d, %d bytes, error %v", n, r.Offset, len(r.Value), err)
			}
		}
	}
	t.Log(time.Since(began))
	if sets[0].dec.zstd.window != widestWindow || sets[1].dec.zstd.window != usualWindow {
		t.Errorf("windows of %d and %d bytes", sets[0].dec.zstd.window, sets[1].dec.zstd.window)
	}
	free(t)
}
