package api

import (
	"bytes"
	"regexp"
	"sync"
)

// OpenAPI is the description of the HTTP API in one piece: whoever gets it from a running service has no other file. So the
// schema of a crossing stands in it where openapi.json refers to it.
var OpenAPI = sync.OnceValue(func() []byte {
	text := bytes.Replace(read("openapi.json"), whole, identity.ReplaceAll(read(crossing), nil), 1)
	return bytes.ReplaceAll(text, []byte(`"`+crossing+"#"), []byte(`"#/components/schemas/Record`))
})

// whole is the reference to the schema as a whole, which is what the component Record consists of.
var whole = []byte("{\n        \"$ref\": \"" + crossing + "\"\n      }")

// identity is what a schema says of itself as a file.
var identity = regexp.MustCompile(`(?m)^  "\$(schema|id)": .*\n`)
