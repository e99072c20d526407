package board

import (
	"context"
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// packFile is a pack in force, as somebody wrote it.
type packFile struct {
	Pack  string         `json:"pack"`
	Hash  string         `json:"hash"`
	Text  string         `json:"text"`
	Lines map[string]int `json:"lines"` // of Text, in which rules begin
	Tests tests          `json:"tests"`
}

// tests is how a pack's own tests went.
type tests struct {
	Passed int      `json:"passed"`
	Failed []string `json:"failed"` // what is wrong, a test each
}

// getPack is the pack whose hash a path names.
func (b *Board) getPack(_ context.Context, s *Sources, q *query) (any, error) {
	packs := s.Program.Packs()
	i := slices.IndexFunc(packs, func(p *thresholds.Pack) bool { return p.Hash == q.path("hash") })
	if i < 0 {
		return nil, notFound("no pack of this hash is in force: aggregator rules -config FILE -hash HASH prints those that were")
	}
	p, failed := packs[i], b.rules.Load().Failing[packs[i].Hash]
	out := packFile{Pack: p.Name, Hash: p.Hash, Text: string(p.Text), Lines: map[string]int{}, Tests: tests{len(p.Tests) - len(failed), append([]string{}, failed...)}}
	for _, r := range p.Rules {
		out.Lines[r.ID] = r.Line()
	}
	return out, nil
}
