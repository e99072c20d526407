package event

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// packed is what a compressor makes of an event.
func packed(text string, compress func(*bytes.Buffer) interface {
	Write([]byte) (int, error)
	Close() error
},
) string {
	var b bytes.Buffer
	w := compress(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

type compressor = interface {
	Write([]byte) (int, error)
	Close() error
}

// inUTF16 and inUTF32 encode a text.
func inUTF16(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

func inUTF32(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, c := range text {
		b = order.AppendUint32(b, uint32(c)) // #nosec G115 -- a rune is not negative
	}
	return string(b)
}

// TestDecodeForeign: what is no JSON object is called by its name, in a value and in data_base64.
func TestDecodeForeign(t *testing.T) {
	f := func(reason string, values ...string) {
		t.Helper()
		for _, value := range values {
			for place, text := range map[string]string{"value": value, "data_base64": inEnvelope(inBase64(value))} {
				_, err := decodeRecord(text, nil)
				bad, ok := err.(*Malformed)
				if !ok || bad.Reason != reason || len(bad.Detail) < 30 || !strings.Contains(bad.Detail, "; ") {
					t.Errorf("%.40q in %s: got %v, want reason %s", value, place, err, reason)
				}
			}
		}
	}
	event := complete("")
	f(ReasonGzip, packed(event, func(b *bytes.Buffer) compressor { return gzip.NewWriter(b) }), "\x1f\x8b\x08")
	for level := zlib.NoCompression; level <= zlib.BestCompression; level++ {
		f(ReasonZlib, packed(event, func(b *bytes.Buffer) compressor { w, _ := zlib.NewWriterLevel(b, level); return w }))
	}
	f(ReasonZstd, "\x28\xb5\x2f\xfd\x04\x00\x51\x00\x00")
	f(ReasonLZ4, "\x04\x22\x4d\x18\x64\x40\xa7")
	f(ReasonSnappy, "\xff\x06\x00\x00sNaPpY\x01\x05", "\x82SNAPPY\x00\x00\x00\x00\x01")
	f(ReasonBzip2, "BZh91AY&SY")
	f(ReasonXZ, "\xfd7zXZ\x00\x00\x04")
	f(ReasonZip, "PK\x03\x04\x14\x00")
	f(ReasonAvro, "Obj\x01\x04\x14avro.codec\x08null", "\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08\x06e-1")
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		f(ReasonUTF16, inUTF16(order, event), inUTF16(order, "\uFEFF"+event), inUTF16(order, "\n ["+event+"]"), inUTF16(order, "\uFEFF事"))
		f(ReasonUTF32, inUTF32(order, event), inUTF32(order, "\uFEFF"+event), inUTF32(order, "\n\t{"), inUTF32(order, "\uFEFF事"))
	}
	f(ReasonBOM, "\uFEFF"+event, "\uFEFF")
	f(ReasonRegistry, "\x00\x00\x00\x00\x07"+event, "\x00\x00\x01\x86\xa0\x06e-1", "\x00\x00\x00\x00\x07\x00\x0a\x03e-1", "\x00\x00\x00\x00\x00\x00\x00\x00\x07"+event)
	f(ReasonMessagePack, "\x84\xa2id\xa3e-1", "\xde\x00\x11\xa4time", "\xdf\x00\x00\x00\x01\xa2id", "\x81\xd9\x04time")
	f(ReasonCBOR, "\xa4\x62id\x63e-1", "\xbf\x64time", "\xd9\xd9\xf7\xa1\x62id")
	f(ReasonProtobuf, "\x0a\x03e-1\x12\x05click", "\x08\x96\x01\x10\x00", "\x09\x00\x00\x00\x00\x00\x00\x00\x00\x15\x00\x00\x00\x00\x1a\x00")
	envelope := inEnvelope(`"data":` + event)
	f(ReasonBatch, "["+envelope+"]", " [\n"+envelope+","+envelope+"]", `[{"source":"/a","specversion":"1.0"`, `[{"specversion":"0.3","type":"click","source":"/a"}]`)
	f(ReasonArray, "["+event+"]", " [1]", "[]", "[", "[\xff", `[{"specversion":"1.0"}]`, `[{"specversion":null,"source":"/a"}]`, "["+event+","+envelope+"]", "[["+envelope+"]]")
	f(ReasonText, strconv.Quote(event), strconv.Quote(strconv.Quote(event)), `" {"`)
	f(ReasonBase64, base64.StdEncoding.EncodeToString([]byte(event)), `"`+base64.StdEncoding.EncodeToString([]byte("{\n \"id\"")))
}

// TestDecodeNotForeign: what only resembles another form keeps its reason, and nothing that is JSON has another form.
func TestDecodeNotForeign(t *testing.T) {
	f := func(reason string, values ...string) {
		t.Helper()
		for _, value := range values {
			_, err := decodeRecord(value, nil)
			if bad, ok := err.(*Malformed); !ok || bad.Reason != reason {
				t.Errorf("%.40q: got %v, want reason %s", value, err, reason)
			}
		}
	}
	f(ReasonSyntax, "\x1f\x8b", "B", "P", "O", "Obj", "x", "xml", "\x00", "\x00\x00\x00\x00\x07", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x80", "\x81", "\x81\xa2i", "\xde\x00", "\xa1", "\xa1\x62i", "\xd9\xd9\xf7", "\x82\xa1\x00", "\xa0\x61a", "\xff\xff",
		"hello", "id=e-1", "\x08", "\x08\x96\x01", "\x0a\x03e-1\x12\x06click", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x08\x01", "<event/>",
		"eyJ", "e30=x", "YWJj", "{", "{\x00}", "{ \x00", `{"id`)
	f(ReasonWrongType, `"text"`, `"x {"`, `"[]"`, `""`, "null", "5", "true", `" "`)
	f(ReasonTooLarge, "\x1f\x8b\x08"+strings.Repeat("x", MaxSize))
	accepted(t, "\n"+complete(""), base(""))
}
