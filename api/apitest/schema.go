package apitest

import (
	"bytes"
	"fmt"
	"path"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seed-afe14ff2/aggregator/api"
)

// The schemas of the contract.
var (
	Event    = &Schema{file: "event.schema.json"}
	Crossing = &Schema{file: "crossing.schema.json"}
	Pack     = &Schema{file: "pack.schema.json"}
)

// Schema is a JSON Schema: a file of the contract, or a part of one.
type Schema struct {
	file string // with the fragment of the part, if it is one

	once            sync.Once
	lenient, strict *jsonschema.Schema
	err             error
}

// Lenient reports what of a value the schema refuses. The value is what Parse makes of a text.
func (s *Schema) Lenient(value any) error {
	if s.compile(); s.err != nil {
		return s.err
	}
	return s.lenient.Validate(value)
}

// Strict is like Lenient, and refuses members that the schema does not describe.
func (s *Schema) Strict(value any) error {
	if s.compile(); s.err != nil {
		return s.err
	}
	return s.strict.Validate(value)
}

// Check fails a test if a record is not as the schema says, or has more than that.
func (s *Schema) Check(tb testing.TB, record []byte) {
	tb.Helper()
	value, err := Parse(record)
	if err == nil {
		err = s.Strict(value)
	}
	if err != nil {
		tb.Errorf("%s is not as api/%s says: %v", record, s.file, err)
	}
}

// Parse reads one JSON value, and keeps its numbers as they are.
func Parse(text []byte) (any, error) { return jsonschema.UnmarshalJSON(bytes.NewReader(text)) }

func (s *Schema) compile() {
	s.once.Do(func() {
		if s.lenient, s.err = compile(s.file, func(any) {}); s.err == nil {
			s.strict, s.err = compile(s.file, closeObjects)
		}
	})
}

// compile reads all schemas, since they refer to each other, and compiles one of them. Each is checked by its meta-schema.
func compile(file string, change func(document any)) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	entries, err := api.Files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		document, err := readFile(entry.Name())
		if err != nil {
			return nil, err
		}
		change(document)
		if err := c.AddResource(api.Base+entry.Name(), document); err != nil {
			return nil, err
		}
	}
	return c.Compile(api.Base + file)
}

// readFile is what stands in a file of the contract.
func readFile(name string) (document any, err error) {
	text, err := api.Files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if path.Ext(name) == ".yaml" {
		document, err = ParseYAML(text)
	} else {
		document, err = Parse(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return document, nil
}

// closeObjects makes each object that says which members it has refuse all others. What only adds a condition (in if, then,
// else, allOf ...) names a few members of an object that is described elsewhere, and stays as it is.
func closeObjects(document any) {
	m, ok := document.(map[string]any)
	if !ok {
		return
	}
	if _, described := m["properties"]; described && m["type"] == "object" && m["additionalProperties"] == nil {
		m["additionalProperties"] = false
	}
	for _, name := range []string{"properties", "$defs", "patternProperties"} {
		children, _ := m[name].(map[string]any)
		for _, child := range children {
			closeObjects(child)
		}
	}
	closeObjects(m["items"])
	closeObjects(m["additionalProperties"])
}
