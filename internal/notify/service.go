package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
)

// Options is what a service works with.
type Options struct {
	Sinks   []*Sink
	Group   string                                   // of the deployment; each sink has one of its own, named after it
	Connect func(group string) subscribe.Connections // of a sink to Kafka
	Metrics *Metrics
	Log     *slog.Logger
}

// Service delivers crossings to sinks.
type Service struct{ workers []*worker }

// New is a service that Run begins.
func New(o Options) *Service {
	s := &Service{}
	for _, sink := range o.Sinks {
		w := newWorker(sink, o.Metrics.of(sink.Name), o.Log)
		w.subscription = subscribe.New(o.Connect(Group(o.Group, sink.Name)), sink.Start, w, w.log)
		s.workers = append(s.workers, w)
	}
	return s
}

// Run delivers until ctx ends. Each sink does it by itself.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, w := range s.workers {
		running.Go(func() { w.run(ctx) })
	}
	running.Wait()
	return nil
}

// kafkaPatience is how long no broker may answer.
const kafkaPatience = 10 * time.Second

// Kafka is the error of a Kafka of which no broker answers any sink.
func (s *Service) Kafka() error {
	var failure error
	for _, w := range s.workers {
		state := w.subscription.State()
		if time.Since(state.Answered) < kafkaPatience {
			return nil
		}
		if state.Failure != nil {
			failure = state.Failure
		}
	}
	if failure != nil {
		return fmt.Errorf("no broker answers: %w", failure)
	}
	return errors.New("no broker has answered yet")
}

// Groups is what the process has of each sink's partitions; the error names the sinks in whose groups it is not.
func (s *Service) Groups() (note string, err error) {
	for _, w := range s.workers {
		state := w.subscription.State()
		if !state.Joined {
			err = errors.Join(err, fmt.Errorf("the group of sink %s is not joined", w.sink.Name))
			if state.Failure != nil {
				err = fmt.Errorf("%w: %w", err, state.Failure)
			}
		}
		if note != "" {
			note += ", "
		}
		note += fmt.Sprintf("%s %d", w.sink.Name, state.Partitions)
	}
	return "partitions by sink: " + note, err
}

// Progress is a line for each sink that is behind, and whether it answers.
func (s *Service) Progress() string {
	text := ""
	for _, w := range s.workers {
		text += "sink " + w.sink.Name + ": " + w.standing() + "\n"
	}
	return text
}
