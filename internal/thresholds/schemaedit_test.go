package thresholds

import (
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// edits are all packs that differ from one by one edit: a key that is unknown or missing, a value of another kind.
func edits(t *testing.T, data []byte, try func(what string, edited []byte)) {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	tell := func(what string) {
		t.Helper()
		text, err := yaml.Marshal(&document)
		if err != nil {
			t.Fatal(err)
		}
		try(what, text)
	}
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		was := *n
		for _, other := range otherKinds {
			*n = other
			tell(path + " is " + kindOf(other))
			*n = was
		}
		if n.Kind == yaml.MappingNode {
			n.Content = append([]*yaml.Node{scalar("unheard-of"), scalar("x")}, was.Content...)
			tell(path + " has an unknown key")
			for i := 0; i < len(was.Content); i += 2 {
				n.Content = append(append([]*yaml.Node{}, was.Content[:i]...), was.Content[i+2:]...)
				tell(path + " lacks " + was.Content[i].Value)
			}
			*n = was
		}
		for i, child := range n.Content {
			if n.Kind != yaml.MappingNode {
				walk(child, path+"[]")
			} else if i%2 == 1 {
				walk(child, path+"."+n.Content[i-1].Value)
			}
		}
	}
	walk(document.Content[0], "pack")
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// otherKinds are values of every kind. What they replace is mostly of another one.
var otherKinds = []yaml.Node{
	*scalar("5"), *scalar("text"), *scalar("null"),
	{Kind: yaml.ScalarNode, Value: "", Style: yaml.DoubleQuotedStyle},
	{Kind: yaml.SequenceNode, Style: yaml.FlowStyle},
	{Kind: yaml.MappingNode, Style: yaml.FlowStyle},
	{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{scalar("a"), scalar("b")}},
}

func kindOf(n yaml.Node) string {
	text, err := yaml.Marshal(&n)
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(text))
}

// beyond are the faults that a schema cannot say, as in beyondSchema.
var beyond = regexp.MustCompile(`there is no measure|is not a rule of this pack|is taken by|never clears|announces no level|the lowest level is|is never more than|` +
	`both ask|is out of range|cannot be reached|levels rise|crossings are in the order|at-least-\d+ of \d+|does not divide|is longer than the window|` +
	`counts distinct keys|has an after itself`)

// TestSchemaEdits: of packs with one edit, the schema refuses those that Parse refuses, and no others.
func TestSchemaEdits(t *testing.T) {
	tried, refused := 0, 0
	for path, data := range testPacks(t, "testdata/good") {
		edits(t, data, func(what string, edited []byte) {
			p, found := Parse(path, edited, Options{})
			err := schemaOf(edited)
			if tried++; p == nil {
				refused++
			}
			if p == nil && err == nil && onlyBeyond(found) {
				return
			}
			if (p == nil) != (err != nil) {
				t.Errorf("%s: %s: Parse says %v, the schema %v", path, what, found, err)
			}
		})
	}
	if tried < 1000 || refused < tried/2 {
		t.Errorf("%d packs were tried, and %d refused", tried, refused)
	}
}

// onlyBeyond reports whether each fault that is no warning is one that a schema cannot say.
func onlyBeyond(found []strictyaml.Fault) bool {
	for _, f := range found {
		if !f.Warning && !beyond.MatchString(f.Message) {
			return false
		}
	}
	return true
}
