package preflight

import "context"

// Sink is one that crossings are delivered to.
type Sink struct {
	Name  string
	Reach func(ctx context.Context) error // whether it answers; it is told of nothing
}

// checkSinks asks each sink. The service does not need them: what they do not take waits in Kafka.
func checkSinks(ctx context.Context, r *report, sinks []Sink) {
	for _, s := range sinks {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		err := s.Reach(ctx)
		cancel()
		if err != nil {
			r.warn("sink %s: it does not answer, so that its crossings would wait: %v", s.Name, err)
			continue
		}
		r.fine("sink %s: it answers", s.Name)
	}
}
