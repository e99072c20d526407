package gen

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Config says what to generate. A zero field has its default; a share below 0 is none.
type Config struct {
	Seed       uint64
	Events     int           // records in all, repeats among them; default 1,000,000
	Incidents  int           // default 1,000
	Accounts   int           // readers; authors, operators and helpers are smaller sets; default 200,000
	Start      time.Time     // default 2026-01-01T00:00:00Z
	Span       time.Duration // from the first record to the last; default 48 h
	Partitions int           // default 12
	Jitter     time.Duration // how much older than its record an event may be; default 5 s
	Repeats    float64       // share of records sent again; default 0.01
	Late       float64       // share of events between 800 and 900 days old; default 0
	Malformed  float64       // share of records that are no event; default 0
	Ahead      float64       // share of events 6 to 66 min past their Kafka timestamp; default 0
}

func (c Config) withDefaults() Config {
	orDefault(&c.Events, 1_000_000)
	orDefault(&c.Incidents, 1_000)
	orDefault(&c.Accounts, 200_000)
	orDefault(&c.Partitions, 12)
	orDefault(&c.Span, 48*time.Hour)
	orDefault(&c.Jitter, 5*time.Second)
	orDefault(&c.Repeats, 0.01)
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return c
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Record is one Kafka record.
type Record struct {
	Partition  int
	Key, Value []byte
	TimeMillis int64 // Kafka timestamp, Unix ms; never falls
	Fault      Fault
}

// Fault is what is wrong with a record.
type Fault int

// A repeat is a record sent again; its first coming was whole or late.
const (
	Whole Fault = iota
	Repeat
	Late
	Malformed
	Ahead
)

// set makes r a copy of from, in r's own memory.
func (r *Record) set(from Record) {
	key, value := append(r.Key[:0], from.Key...), append(r.Value[:0], from.Value...)
	*r = from
	r.Key, r.Value = key, value
}

// slot is a place in a partition.
type slot struct {
	partition int
	offset    int64
}

// Generator makes the records of a Config one after the other. It is for one goroutine.
type Generator struct {
	config  Config
	rng     *rand.Rand
	crowd   crowd
	posts   []int64 // per incident, contents published
	made    int
	offsets []int64 // next of each partition
	last    int     // partition of the last record
	repeats map[slot]Record
}

// New returns a generator at its first record.
func New(c Config) *Generator {
	c = c.withDefaults()
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	return &Generator{
		config: c, rng: rng, crowd: newCrowd(c, rng), posts: make([]int64, c.Incidents),
		offsets: make([]int64, c.Partitions), repeats: map[slot]Record{},
	}
}

// Next writes the next record into dst, whose memory it reuses; it returns false when all are made.
func (g *Generator) Next(dst *Record) bool {
	if g.made == g.config.Events {
		return false
	}
	progress := float64(g.made) / float64(g.config.Events)
	now := g.config.Start.Add(time.Duration(progress * float64(g.config.Span)))
	g.made++
	if !g.repeat(dst) {
		g.event(dst, now, progress)
	}
	dst.TimeMillis = now.UnixMilli()
	g.offsets[dst.Partition]++
	g.last = dst.Partition
	if dst.Fault != Malformed && dst.Fault != Ahead && g.rng.Float64() < g.config.Repeats {
		g.sendAgain(dst)
	}
	return true
}

// repeat takes the record that is due at the partition that moved on last, if there is one.
func (g *Generator) repeat(dst *Record) bool {
	at := slot{g.last, g.offsets[g.last]}
	r, due := g.repeats[at]
	if due {
		delete(g.repeats, at)
		dst.set(r)
		dst.Fault = Repeat
	}
	return due
}

// sendAgain puts a copy of a record just made 1 to 50 places after it.
func (g *Generator) sendAgain(r *Record) {
	at := slot{r.Partition, g.offsets[r.Partition] + g.rng.Int64N(50)}
	if _, taken := g.repeats[at]; taken {
		return
	}
	var again Record
	again.set(*r)
	g.repeats[at] = again
}

// event makes a new event at now, in the order of the Config's shares faulty or not.
func (g *Generator) event(dst *Record, now time.Time, progress float64) {
	at := now.Add(-time.Duration(g.rng.Int64N(int64(max(g.config.Jitter, 1)))))
	dst.Fault = Whole
	switch chance := g.rng.Float64(); {
	case chance < g.config.Late:
		dst.Fault = Late
		at = at.AddDate(0, 0, -800).Add(-time.Duration(g.rng.Int64N(int64(100 * 24 * time.Hour))))
	case chance < g.config.Late+g.config.Malformed:
		dst.Fault = Malformed
	case chance < g.config.Late+g.config.Malformed+g.config.Ahead:
		dst.Fault = Ahead
		at = now.Add(6*time.Minute + time.Duration(g.rng.Int64N(int64(time.Hour))))
	}
	w := writer{key: dst.Key[:0], value: dst.Value[:0]}
	w.open(g.config.Seed, g.made, at)
	g.fill(&w, progress)
	dst.Key, dst.Value = w.key, append(w.value, '}')
	if dst.Fault == Malformed {
		dst.Value = g.spoil(dst.Value)
	}
	dst.Partition = partition(dst.Key, g.config.Partitions)
}

// partition is where a key belongs, among so many partitions.
func partition(key []byte, partitions int) int {
	h := fnv.New32a()
	_, _ = h.Write(key) // never fails
	return int(h.Sum32() % uint32(partitions))
}
