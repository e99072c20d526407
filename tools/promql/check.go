package promql

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// Durations that stand for the variables of Grafana. Nobody writes them, so that they are known in what was parsed.
const (
	rateInterval = 3661 * time.Second
	wholeRange   = 7321 * time.Second
)

// Expression is one of a dashboard.
type Expression struct {
	Text   string
	Legend string // what its series are called
	Now    bool   // only the present is asked for
	Marks  bool   // it is an annotation
	Table  bool   // each label is a column
}

// labelSet are labels that a result has.
type labelSet map[string]bool

// checker looks at one expression.
type checker struct {
	names Names
	e     Expression
	wrong []string
}

// Check is what is wrong with an expression, a line each.
func (n Names) Check(e Expression) []string {
	c := &checker{names: n, e: e}
	text := strings.NewReplacer("$__rate_interval", rateInterval.String(), "$__range", wholeRange.String()).Replace(e.Text)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return []string{err.Error()}
	}
	c.legend(c.look(expr, nil, false))
	return c.wrong
}

func (c *checker) check(ok bool, format string, args ...any) {
	if !ok {
		c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	}
}

// look looks at a part of the expression and returns the labels of its result. The call is what the part is an argument of, if it is one.
// Ours says whether only series of aggregators are left of it.
func (c *checker) look(expr parser.Expr, call *parser.Call, ours bool) labelSet {
	switch x := expr.(type) {
	case *parser.ParenExpr:
		return c.look(x.Expr, call, ours)
	case *parser.UnaryExpr:
		return c.look(x.Expr, nil, ours)
	case *parser.StepInvariantExpr:
		return c.look(x.Expr, call, ours)
	case *parser.NumberLiteral, *parser.StringLiteral:
		return nil
	case *parser.VectorSelector:
		c.check(!isCounter(x.Name), "%s is a counter: ask for its rate or increase", x.Name)
		return c.selector(x, ours)
	case *parser.MatrixSelector:
		return c.matrix(x, call, ours)
	case *parser.AggregateExpr:
		return c.aggregate(x, ours)
	case *parser.Call:
		return c.call(x, ours)
	case *parser.BinaryExpr:
		return c.binary(x, ours)
	default:
		c.check(false, "%s: the lint does not know %T", expr, expr)
		return nil
	}
}

// selector looks whether the metric and its labels are there, and whether only processes that are chosen are asked for.
func (c *checker) selector(x *parser.VectorSelector, ours bool) labelSet {
	own, known := c.names[x.Name]
	c.check(known, "no metric is called %s", x.Name)
	c.check(ours || strings.HasPrefix(x.Name, "aggregator_"), "%s is of other programs, too: end with `and on (job, instance)` and a metric of ours", x.Name)
	result := setOf(own, scraped)
	asked := map[string]bool{}
	for _, m := range x.LabelMatchers {
		c.check(m.Name == model.MetricNameLabel || result[m.Name] || !known, "%s has no label %s", x.Name, m.Name)
		asked[m.String()] = true
	}
	for _, name := range scraped {
		c.check(asked[name+`=~"$`+name+`"`], `%s does not ask for %s=~"$%s"`, x.Name, name, name)
	}
	return result
}

// matrix looks whether a range is that which Grafana works out, and whether its function is one for the metric.
func (c *checker) matrix(x *parser.MatrixSelector, call *parser.Call, ours bool) labelSet {
	s := x.VectorSelector.(*parser.VectorSelector) // the parser says so
	function := ""
	if call != nil {
		function = call.Func.Name
	}
	rates := []string{"rate", "irate", "increase"}
	if c.e.Marks {
		rates = append(rates, "changes")
	}
	c.check(slices.Contains(rates, function) == isCounter(s.Name), "%s(%s): counters are for %v, gauges are not", function, s.Name, rates)
	c.check(x.Range == rateInterval || x.Range == wholeRange && c.e.Now, "%s(%s) is not over $__rate_interval, or $__range where only the present is asked for", function, s.Name)
	return c.selector(s, ours)
}

func (c *checker) aggregate(x *parser.AggregateExpr, ours bool) labelSet {
	inner := c.look(x.Expr, nil, ours)
	if x.Param != nil {
		c.look(x.Param, nil, ours)
	}
	for _, name := range x.Grouping {
		c.check(inner[name], "%s: there is no label %s to group by", x, name)
	}
	if !x.Without {
		return setOf(x.Grouping)
	}
	return inner.without(x.Grouping...)
}

func (c *checker) call(x *parser.Call, ours bool) labelSet {
	c.check(x.Func.Name != "vector" && x.Func.Name != "absent", "%s makes a value up: where a series is gone, that must be seen", x.Func.Name)
	result := labelSet{}
	for _, arg := range x.Args {
		maps.Copy(result, c.look(arg, x, ours))
	}
	if x.Func.Name != "histogram_quantile" {
		return result
	}
	c.check(result["le"], "%s: the buckets were added up", x)
	return result.without("le")
}

// binary looks whether the two sides can meet.
func (c *checker) binary(x *parser.BinaryExpr, ours bool) labelSet {
	ties := x.Op == parser.LAND && x.VectorMatching.On && namesOurs(x.RHS)
	left, right := c.look(x.LHS, nil, ours || ties), c.look(x.RHS, nil, ours)
	m := x.VectorMatching
	switch {
	case m == nil && x.LHS.Type() == parser.ValueTypeScalar:
		return right
	case m == nil:
		return left
	case x.Op == parser.LOR:
		maps.Copy(left, right)
		return left
	case !m.On:
		c.check(maps.Equal(left.without(m.MatchingLabels...), right.without(m.MatchingLabels...)), "%s: the sides have different labels", x)
		return left
	}
	for _, name := range m.MatchingLabels {
		c.check(left[name] && right[name], "%s: %s is not a label of both sides", x, name)
	}
	if x.Op.IsSetOperator() {
		return left
	}
	return setOf(m.MatchingLabels, m.Include)
}

// namesOurs reports whether a metric of ours is asked for.
func namesOurs(expr parser.Expr) bool {
	for _, matchers := range parser.ExtractSelectors(expr) {
		for _, m := range matchers {
			if m.Name == model.MetricNameLabel && strings.HasPrefix(m.Value, "aggregator_") {
				return true
			}
		}
	}
	return false
}

// legend looks whether the labels that series are called by are there, and tell them apart. Several jobs are seldom looked at together.
func (c *checker) legend(result labelSet) {
	shown := labelSet{}
	for rest := c.e.Legend; ; {
		_, after, found := strings.Cut(rest, "{{")
		if !found {
			break
		}
		name, tail, _ := strings.Cut(after, "}}")
		shown[name], rest = true, tail
		c.check(result[name], "the legend has {{%s}}, the series have not", name)
	}
	for _, name := range slices.Sorted(maps.Keys(result.without("job"))) {
		c.check(shown[name] || c.e.Table, "the legend does not tell series of different %s apart", name)
	}
}

func setOf(lists ...[]string) labelSet {
	s := labelSet{}
	for _, list := range lists {
		for _, name := range list {
			s[name] = true
		}
	}
	return s
}

func (s labelSet) without(names ...string) labelSet {
	rest := maps.Clone(s)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}
