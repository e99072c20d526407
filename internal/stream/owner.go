package stream

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch"
	"github.com/seed-afe14ff2/aggregator/internal/stream/settings"
	windowstore "github.com/seed-afe14ff2/aggregator/internal/windows/store"
)

// owner is a deployment. Two of them that write to one store would add up their counts, and announce each other's crossings.
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

// other is the error of a store whose owner is not mine, who wants it.
func (o *owner) other(mine *owner) error {
	return fmt.Errorf("the store belongs to group %q with crossings topic %q, this is group %q with crossings topic %q: %w; "+
		"to move the store to this one on purpose, stop the other and start once with -adopt %s",
		o.Group, o.Crossings, mine.Group, mine.Crossings, ErrOtherOwner, o.Group)
}

// foreign reports whether a store was counted of other event topics alone. It then has the place of another store, by a name that
// both took from an example. A topic more or less is the same deployment's.
func (o *owner) foreign(mine *owner) bool {
	return len(o.Events) > 0 && !slices.ContainsFunc(mine.Events, func(topic string) bool { return slices.Contains(o.Events, topic) })
}

// otherEvents is the error of a store that is foreign.
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

// with is mine, and the event topics that the store's counts came from before.
func (o *owner) with(mine *owner) *owner {
	all := *mine
	all.Events = slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.Events, mine.Events))))
	return &all
}

// same reports whether two owners have the names of one deployment.
func (o *owner) same(mine *owner) bool { return o.Group == mine.Group && o.Crossings == mine.Crossings }

// ownership is what a store says of whose it is.
type ownership struct {
	stored []byte // of the owner; nil: nobody's yet
	owner
	topics map[string]string // ids of event topics, in hex, that it was counted of; "": not of this one
}

// readOwnership reads whose the store is, and what it was counted of, as far as it is about these topics.
func readOwnership(ctx context.Context, store windowstore.Store, events []string) (o ownership, err error) {
	kept := settings.Settings{Store: store}
	keys := [][]byte{kept.Key(windowstore.SettingOwner)}
	for _, topic := range events {
		keys = append(keys, kept.TopicKey(topic))
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

// deployment is who wants a store, and what Kafka says of its topics.
type deployment struct {
	owner
	events map[string]fetch.TopicID
	adopt  string // the group whose store it may take over; "": none
}

// refused is why the deployment may not have the store; nil: it may, or the store is nobody's. Without an event topic
// that both know another id of the crossings topic means another Kafka; with one, that the topic was recreated.
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

// knows reports whether the store was counted of one of the event topics; the error is a topic that was recreated.
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

// renewed reports whether the crossings topic is not the one that it was.
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

// take compares the store's owner with this deployment. It notes the deployment where there is no
// owner, where another's store is adopted, and where there is a new topic of crossings or of
// events. Comparing and writing are one step. So if two deployments come at once, one is refused.
func (d *deployment) take(ctx context.Context, in settings.Settings, log *slog.Logger) error {
	for {
		found, err := readOwnership(ctx, in.Store, d.Events)
		if err != nil {
			return err
		}
		refused := d.refused(&found)
		adopted := refused != nil && d.adopts(&found, refused)
		renewed := refused == nil && found.renewed(&d.owner)
		if refused != nil && !adopted {
			return &finalError{refused}
		}
		to := found.with(&d.owner)
		if found.stored != nil && !adopted && !renewed && len(to.Events) == len(found.Events) {
			return nil
		}
		done, err := in.Replace(ctx, windowstore.SettingOwner, found.stored, to.encode())
		if err != nil {
			return err
		}
		if done {
			d.logTaken(log, &found, adopted, renewed)
			return nil
		}
	}
}

// adopts reports whether another's store is taken over on purpose. Counts of other topics are not.
func (d *deployment) adopts(found *ownership, refused error) bool {
	_, err := d.knows(found)
	return err == nil && errors.Is(refused, ErrOtherOwner) && d.adopt != "" && d.adopt == found.Group
}

func (d *deployment) logTaken(log *slog.Logger, found *ownership, adopted, renewed bool) {
	switch {
	case found.stored == nil && d.adopt != "":
		log.Warn("nothing is stored that could be adopted: this is a new store; look at redis.prefix and redis.addrs if that is not meant", "group", d.adopt)
	case adopted:
		log.Warn("store adopted: it belongs to this group from now on", "from_group", found.Group, "from_crossings", found.Crossings,
			"group", d.Group, "crossings", d.Crossings)
	case renewed:
		log.Warn("crossings topic was made anew: what was announced before is not in it", "topic", d.Crossings)
	}
}

// disowned is the error of a store that is another's by now. stored is the owner as read; nil: it is gone, and
// is put back with the other settings.
func (d *deployment) disowned(stored []byte) error {
	var found owner
	if stored == nil || json.Unmarshal(stored, &found) == nil && found.same(&d.owner) {
		return nil
	}
	return found.other(&d.owner)
}

// CheckOwner says whose a store is, and writes nothing: "" if it is nobody's yet. The error is a
// store of another deployment, or a store that cannot be asked. What Kafka does not say is not
// compared.
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
