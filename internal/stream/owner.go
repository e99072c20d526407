package stream

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// owner is a deployment: two that write to one store would add up their counts, and announce each other's crossings.
type owner struct {
	Group       string `json:"group"`
	Crossings   string `json:"crossings"`
	CrossingsID string `json:"crossings_id,omitempty"` // in hex; "": the brokers give none
	// Events are the event topics that it was ever started with, sorted.
	Events []string `json:"events,omitempty"`
}

func (o *owner) encode() []byte {
	b, err := json.Marshal(o)
	if err != nil {
		panic("BUG: texts that are no JSON: " + err.Error())
	}
	return b
}

// ErrOtherOwner is a store of another deployment.
var ErrOtherOwner = errors.New("two deployments cannot count in one store: give each a redis.prefix of its own")

// other says how an owner differs from the one that wants the store.
func (o *owner) other(mine *owner) error {
	return fmt.Errorf("the store belongs to group %q with crossings topic %q, this is group %q with crossings topic %q: %w; "+
		"to move the store to this one on purpose, stop the other and start once with -adopt %s",
		o.Group, o.Crossings, mine.Group, mine.Crossings, ErrOtherOwner, o.Group)
}

// foreign says whether a store was counted of other event topics alone: one that has the place of another, by a name that both took
// from an example. A topic more or less is the same deployment's.
func (o *owner) foreign(mine *owner) bool {
	return len(o.Events) > 0 && !slices.ContainsFunc(mine.Events, func(topic string) bool { return slices.Contains(o.Events, topic) })
}

// otherEvents says so.
func (o *owner) otherEvents(mine *owner) error {
	return fmt.Errorf("the store was counted of the event topics %s, this is group %q with %s: %w; "+
		"to count these into it on purpose, start once with -adopt %s",
		quoted(o.Events), mine.Group, quoted(mine.Events), ErrOtherOwner, o.Group)
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = strconv.Quote(name)
	}
	return strings.Join(list, ", ")
}

// with is mine, and the event topics that the store was counted of before.
func (o *owner) with(mine *owner) *owner {
	all := *mine
	all.Events = slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Events, mine.Events))))
	return &all
}

// same says whether two owners have the names of one deployment.
func (o *owner) same(mine *owner) bool { return o.Group == mine.Group && o.Crossings == mine.Crossings }

// ownership is what a store says of whose it is.
type ownership struct {
	stored []byte // of the owner; nil: nobody's yet
	owner
	topics map[string]string // ids of event topics, in hex, that it was counted of; "": not of this one
}

// readOwnership reads whose the store is, and what it was counted of, as far as it is about these topics.
func readOwnership(ctx context.Context, store windowstore.Store, events []string) (o ownership, err error) {
	keys := [][]byte{ownerKey(store)}
	for _, topic := range events {
		keys = append(keys, topicKey(store, topic))
	}
	values, err := store.Load(ctx, 0, keys, nil)
	if err != nil {
		return o, err
	}
	o.topics = map[string]string{}
	for i, topic := range events {
		o.topics[topic] = string(values[i+1])
	}
	o.stored = values[0]
	if o.stored == nil {
		return o, nil
	}
	if err := json.Unmarshal(o.stored, &o.owner); err != nil {
		return o, &finalError{fmt.Errorf("setting %s in the store is %q, which names no owner", windowstore.SettingOwner, o.stored)}
	}
	return o, nil
}

func ownerKey(store windowstore.Store) []byte {
	return store.Keys().AppendMetaKey(nil, 0, windowstore.SettingOwner)
}

// deployment is who wants a store, and what Kafka says of its topics.
type deployment struct {
	owner
	events map[string]fetch.TopicID
}

// refused says why the store is not for the one who wants it; nil: it is, or it is nobody's. Without an event topic
// that both know another id of the crossings topic means another Kafka; with one, that the topic was made anew.
func (d *deployment) refused(o *ownership) error {
	if o.stored == nil {
		return nil
	}
	if !o.same(&d.owner) {
		return o.other(&d.owner)
	}
	known, err := d.knows(o)
	if err == nil && o.foreign(&d.owner) {
		return o.otherEvents(&d.owner)
	}
	if err == nil && !known && o.renewed(&d.owner) {
		err = fmt.Errorf("the store was counted of none of these event topics, and crossings topic %s has another id than the store's: this is another Kafka, or all topics were made anew: %w",
			d.Crossings, ErrOtherOwner)
	}
	return err
}

// knows says whether the store was counted of one of the event topics; the error is one that was made anew.
func (d *deployment) knows(o *ownership) (known bool, err error) {
	for topic, id := range d.events {
		stored := o.topics[topic]
		switch {
		case stored == "" || id == (fetch.TopicID{}):
		case stored != hex.EncodeToString(id[:]):
			return false, fmt.Errorf("topic %s: %w", topic, errOtherTopic)
		default:
			known = true
		}
	}
	return known, nil
}

// renewed says whether the crossings topic is not the one that it was.
func (o *owner) renewed(mine *owner) bool {
	return o.CrossingsID != "" && mine.CrossingsID != "" && o.CrossingsID != mine.CrossingsID
}

// ownerOf is what the config says of a deployment.
func ownerOf(k *Kafka) owner {
	return owner{Group: k.Group, Crossings: k.Crossings, Events: slices.Sorted(slices.Values(k.Events))}
}

// newDeployment asks Kafka for the ids of the topics.
func newDeployment(ctx context.Context, topics fetch.TopicFinder, k *Kafka) (*deployment, error) {
	d := &deployment{owner: ownerOf(k), events: map[string]fetch.TopicID{}}
	found, err := topics.Topic(ctx, k.Crossings)
	if err != nil {
		return nil, err
	}
	if found.ID != (fetch.TopicID{}) {
		d.CrossingsID = hex.EncodeToString(found.ID[:])
	}
	for _, topic := range k.Events {
		found, err := topics.Topic(ctx, topic)
		if err != nil {
			return nil, err
		}
		d.events[topic] = found.ID
	}
	return d, nil
}

// ownStore makes the store this deployment's, if it is nobody's, and refuses another's.
func (s *Service) ownStore(ctx context.Context) error {
	err := s.untilItWorks(ctx, "kafka and its topics", func() (err error) {
		s.deployment, err = newDeployment(ctx, s.cluster, &s.Kafka)
		return err
	})
	if err != nil {
		return err
	}
	return s.untilStored(ctx, func() error { return s.takeStore(ctx) })
}

// takeStore compares the store's owner with this deployment, and notes it where there is none, where it is adopted, and where it has
// a new topic of crossings or of events. Comparing and writing are one step, so that of two deployments that come at once one is refused.
func (s *Service) takeStore(ctx context.Context) error {
	for {
		found, err := readOwnership(ctx, s.Store, s.Events)
		if err != nil {
			return err
		}
		refused := s.deployment.refused(&found)
		adopted := refused != nil && s.adopts(&found, refused)
		renewed := refused == nil && found.renewed(&s.deployment.owner)
		if refused != nil && !adopted {
			return &finalError{refused}
		}
		to := found.with(&s.deployment.owner)
		if found.stored != nil && !adopted && !renewed && len(to.Events) == len(found.Events) {
			return nil
		}
		done, err := s.noteOwner(ctx, found.stored, to.encode())
		if err != nil {
			return err
		}
		if done {
			s.tellOwner(&found, adopted, renewed)
			return nil
		}
	}
}

// adopts says whether another's store is taken over on purpose. Counts of other topics are not.
func (s *Service) adopts(found *ownership, refused error) bool {
	_, err := s.deployment.knows(found)
	return err == nil && errors.Is(refused, ErrOtherOwner) && s.Adopt != "" && s.Adopt == found.Group
}

func (s *Service) tellOwner(found *ownership, adopted, renewed bool) {
	switch {
	case found.stored == nil && s.Adopt != "":
		s.log.Warn("nothing is stored that could be adopted: this is a new store; look at redis.prefix and redis.addrs if that is not meant", "group", s.Adopt)
	case adopted:
		s.log.Warn("store adopted: it belongs to this group from now on", "from_group", found.Group, "from_crossings", found.Crossings,
			"group", s.Group, "crossings", s.Crossings)
	case renewed:
		s.log.Warn("crossings topic was made anew: what was announced before is not in it", "topic", s.Crossings)
	}
}

// noteOwner writes the owner in place of what was read.
func (s *Service) noteOwner(ctx context.Context, in, to []byte) (done bool, err error) {
	res, err := s.Store.Commit(ctx, 0, &windowstore.Commit{Fences: []windowstore.Fence{{Key: ownerKey(s.Store), From: in, To: to}}})
	if err != nil {
		return false, err
	}
	return res.Outcome == windowstore.Done || bytes.Equal(res.Fences[0].Value, to), nil
}

// disowned ends the service if the store is another's by now. stored is the owner as read; nil: it is gone, and
// put back by resettle.
func (s *Service) disowned(stored []byte) error {
	var found owner
	if stored == nil || json.Unmarshal(stored, &found) == nil && found.same(&s.deployment.owner) {
		return nil
	}
	err := found.other(&s.deployment.owner)
	s.restart(&finalError{err})
	return err
}

// CheckOwner says whose a store is, and writes nothing: "" if it is nobody's yet. The error is a store of
// another deployment, or one that cannot be asked. What Kafka does not tell is not compared.
func CheckOwner(ctx context.Context, k *Kafka, store windowstore.Store) (group string, err error) {
	found, err := readOwnership(ctx, store, k.Events)
	if err != nil {
		return "", explain.Store(err)
	}
	transport := k.Transport()
	defer transport.CloseIdleConnections()
	client := fetch.New(fetch.Options{Transport: transport, Brokers: k.Addr(), Patience: time.Millisecond})
	defer client.Close()
	d, err := newDeployment(ctx, client, k)
	if err != nil {
		d = &deployment{owner: ownerOf(k)}
	}
	return found.Group, d.refused(&found)
}
