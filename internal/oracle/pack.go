package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// kinds of subject, in the order in which crossings of one event come.
var kinds = []string{"incident", "account", "content", "group"}

// rule is one rule of a pack, ready to be asked.
type rule struct {
	pack, hash      string // name of the pack; SHA-256 of its bytes, lower-case hex
	id, title, cite string
	by              string // kind of subject
	window          string // as written: "730d", "all"
	limits          []limit
	combine         string   // "any", "all", "at-least-K", "ratio"
	levels          []level  // rising
	clear           *big.Rat // nil: never clears
	shadow          bool
	order           int   // place over all packs
	first           *rule // of the same id, in the first variant that has it; it stands for all of them
}

// limit is one measure of a rule.
type limit struct {
	measure string
	limit   int64
	counter *counter
}

// level is a progress that is announced.
type level struct {
	text string // shortest form: "1", "0.5"
	rat  *big.Rat
}

type packYAML struct {
	Pack     string
	Measures map[string]measureYAML
	Rules    []ruleYAML
}

type measureYAML struct {
	Sum      string
	Distinct yaml.Node
	Weight   string
	Types    []string
	Where    map[string]yaml.Node
	After    string
}

type ruleYAML struct {
	ID, Title, Cite, By, Window, Step, Combine, Clear string

	Limits yaml.Node
	Levels []string
	Shadow bool
}

// readPack turns the bytes of a pack into rules. Counters are shared with the packs read before through known.
func readPack(data []byte, known map[string]*counter) ([]*rule, error) {
	var p packYAML
	if err := yaml.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("read pack: %w", err)
	}
	hash := sha256.Sum256(data)
	var rules []*rule
	for _, y := range p.Rules {
		r, err := readRule(y, p.Measures, known)
		if err != nil {
			return nil, fmt.Errorf("pack %s: rule %s: %w", p.Pack, y.ID, err)
		}
		r.pack, r.hash = p.Pack, hex.EncodeToString(hash[:])
		rules = append(rules, r)
	}
	return rules, nil
}

func readRule(y ruleYAML, measures map[string]measureYAML, known map[string]*counter) (*rule, error) {
	r := &rule{id: y.ID, title: y.Title, cite: y.Cite, by: y.By, window: y.Window, combine: y.Combine, shadow: y.Shadow}
	if r.combine == "" {
		r.combine = "any"
	}
	span, err := readSpan(y.Window, y.Step)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(y.Limits.Content); i += 2 { // a node, since a map would lose the order
		name := y.Limits.Content[i].Value
		var n int64
		if err := y.Limits.Content[i+1].Decode(&n); err != nil {
			return nil, fmt.Errorf("limit of %s: %w", name, err)
		}
		m, err := readMeasure(name, measures)
		if err != nil {
			return nil, err
		}
		r.limits = append(r.limits, limit{name, n, shared(known, y.By, m, span)})
	}
	return r, r.readLevels(y)
}

// readLevels reads levels and clear; a rule without levels has 0.8 and 1, or 1 alone where a limit is below 5.
func (r *rule) readLevels(y ruleYAML) error {
	texts := y.Levels
	if texts == nil {
		texts = []string{"0.8", "1"}
		for _, l := range r.limits {
			if l.limit < 5 {
				texts = []string{"1"}
			}
		}
	}
	for _, text := range texts {
		rat, ok := new(big.Rat).SetString(text)
		if !ok {
			return fmt.Errorf("level %q is not a number", text)
		}
		r.levels = append(r.levels, level{shortest(rat), rat})
	}
	if y.Clear == "" {
		return nil
	}
	rat, ok := new(big.Rat).SetString(y.Clear)
	if !ok {
		return fmt.Errorf("clear %q is not a number", y.Clear)
	}
	r.clear = rat
	return nil
}

func readMeasure(name string, all map[string]measureYAML) (*measure, error) {
	y, ok := all[name]
	if !ok {
		return nil, fmt.Errorf("measure %s is not there", name)
	}
	m := &measure{reads: map[string]string{}, distinct: y.Sum == "", weight: y.Weight}
	field := y.Sum
	if m.distinct {
		field = y.Distinct.Value
	}
	for _, t := range y.Types {
		m.reads[t] = field
	}
	if y.Distinct.Kind == yaml.MappingNode {
		if err := y.Distinct.Decode(&m.reads); err != nil {
			return nil, fmt.Errorf("measure %s: %w", name, err)
		}
	}
	if err := m.readWhere(y.Where); err != nil {
		return nil, fmt.Errorf("measure %s: %w", name, err)
	}
	if y.After == "" {
		return m, nil
	}
	other, err := readMeasure(y.After, all)
	m.after = other
	return m, err
}

func (m *measure) readWhere(where map[string]yaml.Node) error {
	for field, node := range where {
		c := condition{field: field}
		var values []string
		var err error
		if node.Kind == yaml.MappingNode {
			var not struct{ Not []string }
			err = node.Decode(&not)
			c.not, values = true, not.Not
		} else {
			err = node.Decode(&values)
		}
		if err != nil {
			return fmt.Errorf("where %s: %w", field, err)
		}
		c.values = map[string]bool{}
		for _, v := range values {
			c.values[v] = true
		}
		m.where = append(m.where, c)
	}
	return nil
}

// span is a sliding window in seconds; step is 0 for a window without end.
type span struct{ window, step int64 }

func readSpan(window, step string) (span, error) {
	if window == "all" {
		return span{}, nil
	}
	w, err := readSeconds(window)
	if err != nil {
		return span{}, fmt.Errorf("window: %w", err)
	}
	s, err := readSeconds(step)
	if err != nil {
		return span{}, fmt.Errorf("step: %w", err)
	}
	return span{w, s}, nil
}

func readSeconds(text string) (int64, error) {
	if text == "" {
		return 0, fmt.Errorf("missing")
	}
	unit, ok := map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[text[len(text)-1]]
	n, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
	if !ok || err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not an integer and s, m, h or d", text)
	}
	return n * unit, nil
}

// shortest writes a level with at most 4 decimals and none too many.
func shortest(r *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(4), "0"), ".")
}
