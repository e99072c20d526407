package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.yaml.in/yaml/v4"
)

// ParseYAML reads one document of YAML as an editor does that checks it by a schema: plain scalars mean what YAML 1.2 says of
// them (its core schema). So 010 is ten, 50_000 is a text, and a time is a text. Keys are texts, and each is there once.
func ParseYAML(text []byte) (any, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, next yaml.Node
	if err := d.Decode(&document); err != nil {
		return nil, err
	}
	if err := d.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one document, or what is none (%w)", err)
	}
	r := &yamlReader{room: mostValues}
	return r.value(&document)
}

// mostValues is how many values a document may have, with aliases written out.
const mostValues = 100_000

type yamlReader struct{ room int }

func (r *yamlReader) value(n *yaml.Node) (any, error) {
	if r.room--; r.room < 0 {
		return nil, errors.New("too many values, with aliases")
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.value(n.Content[0])
	case yaml.AliasNode:
		return r.value(n.Alias)
	case yaml.MappingNode:
		return r.mapping(n)
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, err := r.value(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return scalarOf(n), nil
}

func (r *yamlReader) mapping(n *yaml.Node) (any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		text, isText := scalarOf(key).(string)
		if _, again := m[text]; key.Kind != yaml.ScalarNode || !isText || again {
			return nil, fmt.Errorf("line %d: a key that is no text, or there twice", key.Line)
		}
		v, err := r.value(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		m[text] = v
	}
	return m, nil
}

var (
	null    = regexp.MustCompile(`^(~|null|Null|NULL|)$`)
	boolean = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	number  = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	signs   = regexp.MustCompile(`^\+|^(-?)0+([0-9])`)
)

// scalarOf is what a scalar means. Infinities, and numbers in other systems, are texts here, which no schema of ours takes for numbers.
func scalarOf(n *yaml.Node) any {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch s := n.Value; {
	case n.Style&quoted != 0:
		return s
	case null.MatchString(s):
		return nil
	case boolean.MatchString(s):
		return s[0] == 't' || s[0] == 'T'
	case number.MatchString(s):
		var f json.Number
		if json.Unmarshal([]byte(signs.ReplaceAllString(s, "$1$2")), &f) == nil {
			return f
		}
		return s
	default:
		return s
	}
}
