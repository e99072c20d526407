package stream

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/seed-afe14ff2/aggregator/internal/stream/outbox"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// TestAgreement: entries have the new format only in a generation all of whose members were seen to read it, from some time after its begin to its end.
func TestAgreement(t *testing.T) {
	oldest, header, canaries := outbox.OldestFormats(), outbox.Formats{Header: true}, outbox.Formats{Header: true, Canary: true}
	synctest.Test(t, func(t *testing.T) {
		var a agreement
		f := func(what string, want outbox.Formats) {
			t.Helper()
			if got := a.formats(); got != want {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		all, before := &census{settled: true, protocol: headersRead}, &census{settled: true, protocol: "range"}
		f("no generation", oldest)
		a.saw(all, 0)
		f("seen before there is one", oldest)
		a.begin(1)
		f("not looked at", oldest)
		a.saw(all, 1)
		f("just begun", oldest)
		<-time.After(outbox.LeaseFresh)
		f("all read it", header)
		a.saw(&census{protocol: headersRead}, 1)
		f("not settled", header)
		a.saw(before, 1)
		f("one does not", oldest)
		a.saw(&census{protocol: headersRead}, 1)
		f("not settled yet", oldest)
		a.saw(all, 1)
		f("all again", header)
		a.end()
		f("over", oldest)
		a.begin(2)
		<-time.After(outbox.LeaseFresh)
		f("the next one", oldest)
		a.saw(all, 1)
		f("what was seen of the one before", oldest)
		a.saw(all, 2)
		f("the next one, seen", header)

		a.patience = time.Hour
		f("not for long enough", oldest)
		<-time.After(time.Hour)
		f("for an hour", header)
		a.saw(before, 2)
		a.saw(all, 2)
		f("one of before was back", oldest)
		<-time.After(time.Hour)
		f("an hour after that", header)
		a.begin(3)
		<-time.After(outbox.LeaseFresh)
		a.saw(all, 3)
		f("the generations between do not matter", header)

		known := &census{settled: true, protocol: canariesRead}
		a.saw(known, 3)
		f("all know canaries", canaries)
		a.saw(before, 3)
		f("one is of before", oldest)
		a.saw(known, 3)
		f("it left: canaries do not wait", outbox.Formats{Canary: true})
	})
}

// oldMember is a member of the group as a version was that reads entries of the old format only.
func (r *rig) oldMember(store string) (leave func()) {
	r.tb.Helper()
	var s Service
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: "g", Brokers: r.kafka.Brokers, Topics: r.kafka.Events, RebalanceTimeout: 5 * time.Second, HeartbeatInterval: 200 * time.Millisecond,
		GroupBalancers: []kafka.GroupBalancer{
			countingBalancer{kafka.RangeGroupBalancer{}, &s.given, store}, countingBalancer{kafka.RoundRobinGroupBalancer{}, &s.given, store},
		},
	})
	if err != nil {
		r.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.tb.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := group.Next(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, kafka.ErrGroupClosed) {
				r.tb.Error(err)
			}
		}
	}()
	return func() {
		cancel()
		<-done
		_ = group.Close()
	}
}

// TestMembersOfBefore: a member of a version that does not read the new format is taken into the group, as its own kind, and as long as it is there
// no entry has the new format.
func TestMembersOfBefore(t *testing.T) {
	r := newRig(t, 2, compile(t, outboxPack))
	store := windowstore.NewMem(DefaultShards)
	first, second := r.start(store, nil), r.start(store, nil)
	both := func(want outbox.Formats, members int) {
		t.Helper()
		eventually(t, time.Minute, func() bool {
			for _, p := range []*process{first, second} {
				c := p.s.membership.census.Load()
				if p.s.membership.agreement.formats() != want || c == nil || len(c.peers) != members || !c.settled || len(c.strangers()) > 0 || len(c.elsewhere(p.s.membership.ownStore())) > 0 {
					return false
				}
			}
			return true
		})
	}
	both(outbox.Formats{Header: true, Canary: true}, 2)
	leave := r.oldMember(first.s.membership.ownStore())
	both(outbox.OldestFormats(), 3)
	<-time.After(outbox.LeaseFresh + time.Second)
	both(outbox.OldestFormats(), 3)
	leave()
	both(outbox.Formats{Header: true, Canary: true}, 2)
}
