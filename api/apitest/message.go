package apitest

import (
	"encoding/json"
	"testing"
)

// The messages of api/asyncapi.yaml.
var (
	PlainEvent         = messageOf("plainEvent")
	BinaryEvent        = messageOf("binaryEvent")
	StructuredEvent    = messageOf("structuredEvent")
	BinaryCrossing     = messageOf("binaryCrossing")
	StructuredCrossing = messageOf("structuredCrossing")
	DeadLetter         = messageOf("deadLetter")
)

// Message is a message of the topics: what its headers and its value are.
type Message struct {
	name             string
	headers, payload *Schema // nil: not described
}

func messageOf(name string) *Message {
	m := &Message{name: name}
	part := func(of string) *Schema { return &Schema{file: "asyncapi.yaml#/components/messages/" + name + "/" + of} }
	switch name {
	case "plainEvent", "structuredEvent":
		m.payload = part("payload")
	case "deadLetter":
		m.headers = part("headers")
	default:
		m.headers, m.payload = part("headers"), part("payload")
	}
	return m
}

// Validate reports what of a record is not as the message is described. Headers may be nil.
func (m *Message) Validate(headers map[string]string, value []byte) error {
	if m.headers != nil {
		all := map[string]any{}
		for name, text := range headers {
			all[name] = text
		}
		if err := m.headers.Lenient(all); err != nil {
			return err
		}
	}
	if m.payload == nil {
		return nil
	}
	v, err := Parse(value)
	if err != nil {
		return err
	}
	return m.payload.Lenient(v)
}

// Check fails a test if a record is not as the message is described.
func (m *Message) Check(tb testing.TB, headers map[string]string, value []byte) {
	tb.Helper()
	if err := m.Validate(headers, value); err != nil {
		tb.Errorf("%v %s is not %s as api/asyncapi.yaml says: %v", headers, value, m.name, err)
	}
}

// CheckCrossing fails a test if a record of the topic of crossings is none, in either mode of CloudEvents.
func CheckCrossing(tb testing.TB, headers map[string]string, value []byte) {
	tb.Helper()
	if _, binary := headers["ce_id"]; binary {
		BinaryCrossing.Check(tb, headers, value)
		Crossing.Check(tb, value)
		return
	}
	StructuredCrossing.Check(tb, headers, value)
	var envelope struct{ Data json.RawMessage }
	if err := json.Unmarshal(value, &envelope); err != nil {
		tb.Errorf("%s: %v", value, err)
	}
	Crossing.Check(tb, envelope.Data)
}
