package oracle

import (
	"encoding/json"
	"sort"
)

type countJSON struct {
	Rule     string       `json:"rule"`
	By       string       `json:"by"`
	Subject  string       `json:"subject"`
	Level    json.Number  `json:"level"`
	Episode  int          `json:"episode"`
	Progress json.Number  `json:"progress"`
	Measures measuresJSON `json:"measures"`
}

// Counts returns the lines of replay -counts, without newlines. There is a line for each rule and
// subject with a measure above 0, as of the subject's T. They are sorted by the bytes of rule, then
// subject.
func (o *Oracle) Counts() [][]byte {
	var lines []countJSON
	for _, r := range o.rules {
		for _, s := range o.subjects[r.by] {
			if line, ok := s.countLine(r); ok {
				lines = append(lines, line)
			}
		}
	}
	sort.Slice(lines, func(i, j int) bool {
		a, b := lines[i], lines[j]
		return a.Rule < b.Rule || a.Rule == b.Rule && a.Subject < b.Subject
	})
	texts := make([][]byte, len(lines))
	for i, line := range lines {
		texts[i] = marshal(line)
	}
	return texts
}

func (s *subject) countLine(r *rule) (countJSON, bool) {
	rd, st := s.read(r, s.now), s.state(r)
	above := false
	for _, v := range rd.values {
		above = above || v > 0
	}
	level := "0"
	if st.announced != nil {
		level = st.announced.text
	}
	return countJSON{
		Rule: r.id, By: s.by, Subject: s.id, Level: json.Number(level), Episode: st.episode,
		Progress: json.Number(decimals(rd.progress())), Measures: measuresJSON(rd),
	}, above
}
