package oracle

import (
	"math"
	"sort"
	"time"
)

// Options are what the config may set beside the packs.
type Options struct {
	MaxMembers   int64         // most keys of a distinct counter; 0: 1,000,000
	MaxAhead     time.Duration // how far an event may lie past its Kafka timestamp; 0: 5 min
	DedupeWindow time.Duration // how long an id is remembered; 0: 10 min
	Now          time.Time     // what events without a Kafka timestamp may not lie ahead of; zero: nothing is ahead
	Plain        bool          // count by looping over all events
}

// Results count events by what became of them. Late is counted once for each event and kind of subject, beside Matched.
type Results struct {
	Matched, Duplicate, Malformed, Ahead, Unmatched, Late int64
	Canary                                                int64 // moved the stream's time, and are not counted
}

// Oracle takes events one at a time and says what they cross. It is for one goroutine.
type Oracle struct {
	options    Options
	results    Results
	rules      []*rule                          // by which it counts at the end
	variants   *variants                        // nil: the rules never change
	counters   map[string]map[string][]*counter // kind of subject -> type of event, those of "after" among them
	partitions map[int]*partition
	subjects   map[string]map[string]*subject // kind -> id
	armed      map[watch]time.Time            // announced rules that may clear -> no clear is dated earlier
	nextClear  time.Time                      // a stream's time before which none of armed is due; zero: unknown
}

// subject is what is counted for.
type subject struct {
	by, id string
	now    time.Time // T; zero: no event yet
	first  time.Time // earliest time of an event that matched
	delay  delay
	book   book
	states map[mark]state // absent: nothing announced, episode 1
	fedBy  map[int]bool   // partitions
	anew   bool           // its next event is decided by all rules; see Adopt
	last   int            // the variant of the rules that decided its last event
}

// book keeps the events of a subject and counts them.
type book interface {
	// add applies an event that the given counters match, at T.
	add(ev *event, now time.Time, matched []*counter)
	// value counts at a T that is not before the last one of add.
	value(c *counter, at time.Time) (value int64, atLeast bool)
	// displaced reports whether a key ever made room for another.
	displaced() bool
}

// mark is under which a rule keeps what it has announced for a subject: its id, and apart while it is a shadow rule. What rules have
// announced that are not in force any more waits for them.
type mark struct {
	rule   string
	shadow bool
}

func (r *rule) mark() mark { return mark{r.id, r.shadow} }

// state is where a subject is with a rule.
type state struct {
	announced *level // the highest that was announced in this episode; nil: none
	episode   int
}

func (s *subject) state(r *rule) state {
	if st, ok := s.states[r.mark()]; ok {
		return st
	}
	return state{episode: 1}
}

// partition is what is known of one partition.
type partition struct {
	clock  int64            // largest Kafka timestamp, ms
	ids    map[string]int64 // id -> clock at which it came last
	newest time.Time        // newest time matched; zero: none
}

// visit is an event's match with one subject.
type visit struct {
	subject *subject
	matched []*counter
}

// New returns an oracle for packs, given as their YAML, in their order, with default options.
func New(packs ...[]byte) (*Oracle, error) { return Options{}.New(packs...) }

// New returns an oracle with these options.
func (opt Options) New(packs ...[]byte) (*Oracle, error) {
	o := &Oracle{
		options: opt.withDefaults(), counters: map[string]map[string][]*counter{}, partitions: map[int]*partition{},
		subjects: map[string]map[string]*subject{}, armed: map[watch]time.Time{},
	}
	known := map[string]*counter{}
	for _, pack := range packs {
		rules, err := readPack(pack, known)
		if err != nil {
			return nil, err
		}
		o.rules = append(o.rules, rules...)
	}
	for i, r := range o.rules {
		r.order, r.first = i, r
	}
	setCaps(o.rules, o.options.MaxMembers)
	o.index(known)
	return o, nil
}

// Fresh returns an oracle of the same packs and options that has seen nothing.
func (o *Oracle) Fresh() *Oracle {
	return &Oracle{
		options: o.options, rules: o.rules, variants: o.variants, counters: o.counters, partitions: map[int]*partition{},
		subjects: map[string]map[string]*subject{}, armed: map[watch]time.Time{},
	}
}

// index puts counters where match looks for them.
func (o *Oracle) index(known map[string]*counter) {
	for _, by := range kinds {
		o.counters[by] = map[string][]*counter{}
	}
	for _, c := range known {
		for kind := range c.measure.reads {
			o.counters[c.by][kind] = append(o.counters[c.by][kind], c)
		}
	}
}

func (opt Options) withDefaults() Options {
	if opt.MaxMembers == 0 {
		opt.MaxMembers = 1_000_000
	}
	if opt.MaxAhead == 0 {
		opt.MaxAhead = 5 * time.Minute
	}
	if opt.DedupeWindow == 0 {
		opt.DedupeWindow = 10 * time.Minute
	}
	return opt
}

// Results returns what became of the events so far.
func (o *Oracle) Results() Results { return o.results }

// EventTime in place of a Kafka timestamp stands for the event's own time, as for replay.
const EventTime = math.MinInt64

// noTimestamp is the Kafka timestamp of a record that has none.
const noTimestamp = -1

// Apply applies one record of the only partition and returns what it makes known, in the order of the program. kafkaMillis is the
// record's Kafka timestamp.
func (o *Oracle) Apply(value []byte, kafkaMillis int64) []Crossing {
	return o.ApplyTo(0, value, kafkaMillis)
}

// ApplyTo is Apply for a record of one of several partitions.
func (o *Oracle) ApplyTo(number int, value []byte, kafkaMillis int64) []Crossing {
	ev, err := decode(value)
	if err != nil || kafkaMillis == noTimestamp {
		o.results.Malformed++
		return nil
	}
	if o.ahead(ev, kafkaMillis) {
		o.results.Ahead++
		return nil
	}
	if kafkaMillis == EventTime {
		kafkaMillis = ev.time.UnixMilli()
	}
	p := o.partition(number)
	if p.duplicate(ev.identity, kafkaMillis, o.options.DedupeWindow.Milliseconds()) {
		o.results.Duplicate++
		return nil
	}
	visits := o.match(ev, number)
	switch {
	case ev.kind() == "canary":
		o.results.Canary++
	case len(visits) == 0:
		o.results.Unmatched++
		return nil
	default:
		o.results.Matched++
	}
	p.newest = later(p.newest, ev.time)
	return append(o.clear(visits, ev), o.count(visits, ev)...)
}

func (o *Oracle) ahead(ev *event, kafkaMillis int64) bool {
	switch {
	case !ev.time.Before(endOfTime):
		return true
	case kafkaMillis != EventTime:
		return ev.time.After(time.UnixMilli(kafkaMillis).Add(o.options.MaxAhead))
	case o.options.Now.IsZero():
		return false
	default:
		return ev.time.After(o.options.Now.Add(o.options.MaxAhead))
	}
}

func (o *Oracle) partition(number int) *partition {
	if o.partitions[number] == nil {
		o.partitions[number] = &partition{clock: math.MinInt64, ids: map[string]int64{}}
	}
	return o.partitions[number]
}

// duplicate moves the clock, remembers the id at it, and reports whether the id came at most window
// ms ago.
func (p *partition) duplicate(id string, millis, window int64) bool {
	p.clock = max(p.clock, millis)
	last, came := p.ids[id]
	p.ids[id] = p.clock
	return came && p.clock-last <= window
}

// match finds the subjects of an event, in the order of kinds, each with the counters it matches.
func (o *Oracle) match(ev *event, partition int) []visit {
	var visits []visit
	for _, by := range kinds {
		var matched []*counter
		for _, c := range o.counters[by][ev.kind()] {
			if c.measure.matches(by, ev) {
				matched = append(matched, c)
			}
		}
		if matched != nil {
			s := o.subject(by, ev.texts[by])
			s.fedBy[partition] = true
			visits = append(visits, visit{s, matched})
		}
	}
	return visits
}

func (o *Oracle) subject(by, id string) *subject {
	if o.subjects[by] == nil {
		o.subjects[by] = map[string]*subject{}
	}
	if o.subjects[by][id] == nil {
		s := &subject{by: by, id: id, book: newLedger(), states: map[mark]state{}, fedBy: map[int]bool{}}
		if o.options.Plain {
			s.book = &history{}
		}
		o.subjects[by][id] = s
	}
	return o.subjects[by][id]
}

// count adds the event to its subjects and returns the levels newly reached.
func (o *Oracle) count(visits []visit, ev *event) []Crossing {
	var crossings []Crossing
	for _, v := range visits {
		s := v.subject
		if !ev.time.Before(s.now) {
			s.delay = delay{event: ev.time, stream: o.streamTime()}
			o.rewatch(s)
		}
		s.now = later(s.now, ev.time)
		if s.first.IsZero() || ev.time.Before(s.first) {
			s.first = ev.time
		}
		if v.late(ev) {
			o.results.Late++
		}
		s.book.add(ev, s.now, v.matched)
		rules, changed := o.rulesFor(s)
		for _, r := range rules {
			if r.by == s.by && (o.options.Plain || changed || r.usesAny(v.matched)) {
				crossings = append(crossings, o.announce(s, r, ev)...)
			}
		}
	}
	return crossings
}

func (v visit) late(ev *event) bool {
	for _, c := range v.matched {
		if !c.late(ev.time, v.subject.now) {
			return false
		}
	}
	return true
}

func (r *rule) usesAny(counters []*counter) bool {
	for _, l := range r.limits {
		for _, c := range counters {
			if l.counter == c {
				return true
			}
		}
	}
	return false
}

// announce returns a crossing for each level of a rule that is reached and not yet announced.
func (o *Oracle) announce(s *subject, r *rule, ev *event) []Crossing {
	st := s.state(r)
	if st.announced != nil && st.announced.rat.Cmp(r.levels[len(r.levels)-1].rat) >= 0 {
		return nil
	}
	var crossings []Crossing
	rd := s.read(r, s.now)
	progress := rd.progress()
	for _, l := range r.levels {
		if st.announced != nil && st.announced.rat.Cmp(l.rat) >= 0 {
			continue
		}
		if progress.Cmp(l.rat) < 0 {
			break
		}
		st.announced = &l
		crossings = append(crossings, newCrossing(s, rd, l, st.episode, ev.id()))
	}
	if crossings != nil {
		s.states[r.mark()] = st
		o.arm(s, r.first)
	}
	return crossings
}

// FedBy returns how many partitions had events that match a counter of a subject. If there are
// several, the subject's crossings and what is counted "after" depend on the order in which the
// partitions were applied.
func (o *Oracle) FedBy(by, subject string) int {
	if s := o.subjects[by][subject]; s != nil {
		return len(s.fedBy)
	}
	return 0
}

// Displaced names the subjects, as kind/id, with a counter that gave a key's place away at its cap.
// What is answered for them from then on may depend on which key it was. It is empty for a plain
// oracle.
func (o *Oracle) Displaced() []string {
	var names []string
	for by, subjects := range o.subjects {
		for id, s := range subjects {
			if s.book.displaced() {
				names = append(names, by+"/"+id)
			}
		}
	}
	sort.Strings(names)
	return names
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
