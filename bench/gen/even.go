package gen

import (
	"math/rand/v2"
	"time"
)

// EvenConfig says what an Even makes. A zero field has its default.
type EvenConfig struct {
	Seed       uint64
	Subjects   int           // incidents; default 1,000
	Members    int           // accounts of each incident; default 100
	Partitions int           // default 12
	Fill       int           // events at first that take incidents, and of each its accounts, in turn; default 0
	Marks      int           // one in so many of the events after Fill is a mark; default 0: none
	Delay      time.Duration // how much older than their records the events after Fill are; default 0
}

// Even makes clicks that fall on all incidents and accounts alike, where a Generator's follow
// Zipf's law. It is for what is measured beside a number of incidents, of accounts or of
// partitions. Nothing is sent again. A mark is the one event of its content, so that a limit of 1
// for contents is crossed by each mark and by nothing else. It is for one goroutine.
type Even struct {
	config EvenConfig
	rng    *rand.Rand
	made   int
	marks  int
}

// NewEven returns an Even at its first event.
func NewEven(c EvenConfig) *Even {
	orDefault(&c.Subjects, 1_000)
	orDefault(&c.Members, 100)
	orDefault(&c.Partitions, 12)
	return &Even{config: c, rng: rand.New(rand.NewPCG(c.Seed, 1))}
}

// Marks is how many marks were made.
func (e *Even) Marks() int { return e.marks }

// Make writes the next event into dst, whose memory it reuses. Its record is of
// that time.
func (e *Even) Make(dst *Record, at time.Time) {
	incident, account := e.who()
	mark := e.marked()
	dst.TimeMillis, dst.Fault = at.UnixMilli(), Whole
	if e.made >= e.config.Fill {
		at = at.Add(-e.config.Delay)
	}
	w := writer{key: dst.Key[:0], value: dst.Value[:0]}
	w.open(e.config.Seed, e.made, at.UTC())
	e.made++
	if mark {
		w.text("type", "publish")
		w.who("content", id{prefix: "mark-", number: int64(e.marks)})
		e.marks++
	} else {
		w.text("type", "click")
	}
	w.keyed("incident", id{prefix: "inc-", number: incident})
	w.who("account", id{prefix: "user-", number: account})
	w.text("site", "www.example.com")
	w.text("client", "android")
	dst.Key, dst.Value = w.key, append(w.value, '}')
	dst.Partition = partition(dst.Key, e.config.Partitions)
}

// who returns the incident and the account of the next event.
func (e *Even) who() (incident, account int64) {
	subjects, members := int64(e.config.Subjects), int64(e.config.Members)
	if e.made < e.config.Fill {
		n := int64(e.made)
		return n % subjects, n / subjects % members
	}
	return e.rng.Int64N(subjects), e.rng.Int64N(members)
}

func (e *Even) marked() bool {
	n := e.made - e.config.Fill
	return e.config.Marks > 0 && n >= 0 && n%e.config.Marks == 0
}
