package notify

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestOrder: whatever fails, and whenever a process stops or is killed, every crossing is delivered, in the order of its key. One comes again
// only after a kill, if it was taken since the last commit.
func TestOrder(t *testing.T) {
	histories := 30
	if n, err := strconv.Atoi(os.Getenv("HISTORIES")); err == nil {
		histories = n
	}
	for seed := range histories {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tellStory(t, uint64(seed)) })
		})
	}
}

// story is a history of a sink with its process.
type story struct {
	t      *testing.T
	rng    *rand.Rand
	log    *topic
	sink   *flaky
	wanted []string
	again  map[string]bool // ids that may come again, since a kill came before a commit
	made   map[string]int
}

func tellStory(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	x := &story{
		t: t, rng: rng, log: &topic{}, again: map[string]bool{}, made: map[string]int{},
		sink: &flaky{
			rng: rand.New(rand.NewPCG(seed, 8)), bad: []float64{0, 0.05, 0.5}[rng.IntN(3)], final: map[string]bool{},
			slow: []time.Duration{20 * time.Millisecond, 3 * time.Second}[rng.IntN(2)],
		},
	}
	partitions := 1 + rng.IntN(4)
	for p := range partitions {
		x.write(p, partitions)
	}
	stored := make([]committed, partitions)
	for range 25 {
		x.write(rng.IntN(partitions), partitions)
		stored = x.live(stored)
	}
	x.sink.bad, x.sink.down = 0, false
	w := testWorker(&Sink{Name: "s", Target: x.sink})
	last := begin(w, x.log, stored)
	<-time.After(time.Hour)
	last.end()
	for p, c := range last.stored {
		if c.offset != int64(len(x.log.partitions[p])) || parseNote(c.note, c.offset).done[c.offset] {
			t.Errorf("partition %d ends at %+v, its log has %d", p, c, len(x.log.partitions[p]))
		}
	}
	x.check()
}

// write writes some crossings of the keys of a partition.
func (x *story) write(p, partitions int) {
	for range 1 + x.rng.IntN(60) {
		subject := strconv.Itoa(p + partitions*x.rng.IntN(12))
		x.made[subject]++
		r := record(subject, x.made[subject], time.Now())
		x.log.add(p, r)
		id := fmt.Sprintf("rule/incident/%s/%d/1", subject, x.made[subject])
		x.wanted = append(x.wanted, id)
		if x.rng.IntN(50) == 0 {
			x.sink.final[id] = true
		}
	}
}

// live is the life of a process, up to a stop or a kill.
func (x *story) live(stored []committed) []committed {
	x.sink.down = x.rng.IntN(4) == 0
	l := begin(testWorker(&Sink{Name: "s", Target: x.sink}), x.log, append([]committed(nil), stored...))
	mark := 0
	for range 1 + x.rng.IntN(30) {
		<-time.After(time.Duration(x.rng.Int64N(int64([]time.Duration{50 * time.Millisecond, time.Second, time.Minute}[x.rng.IntN(3)]))))
		x.sink.mu.Lock() // what is taken from here on is not in the commit, or may not be
		mark = len(x.sink.taken)
		x.sink.mu.Unlock()
		l.commit()
	}
	if x.rng.IntN(2) == 0 {
		l.end()
		return l.stored
	}
	<-time.After(time.Duration(x.rng.Int64N(int64(100 * time.Millisecond))))
	x.sink.mu.Lock()
	x.sink.dead = true
	for _, id := range x.sink.taken[mark:] {
		x.again[id] = true
	}
	x.sink.mu.Unlock()
	after := append([]committed(nil), l.stored...)
	l.end()
	x.sink.dead = false
	return after
}

// check looks at all that was taken.
func (x *story) check() {
	seen, last := map[string]int{}, map[string]int{}
	for _, id := range x.sink.taken {
		seen[id]++
		parts := strings.Split(id, "/")
		episode, _ := strconv.Atoi(parts[3])
		if seen[id] > 1 {
			if !x.again[id] {
				x.t.Errorf("%s came again, though nobody was killed before its commit", id)
			}
			continue
		}
		if episode != last[parts[2]]+1 {
			x.t.Errorf("%s came after %d", id, last[parts[2]])
		}
		last[parts[2]] = episode
	}
	for _, id := range x.wanted {
		if seen[id] == 0 {
			x.t.Errorf("%s is lost", id)
		}
	}
	if x.sink.most > parallel {
		x.t.Errorf("%d requests at once", x.sink.most)
	}
}

// TestNothingBegins: after the end no request begins, however many crossings of a key wait and whatever is free.
func TestNothingBegins(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			log := &topic{}
			for i := range 100 {
				log.add(0, record(strconv.Itoa(i%20), i/20+1, time.Now()))
			}
			sink := &flaky{rng: rand.New(rand.NewPCG(1, 1)), slow: time.Second}
			l := begin(testWorker(&Sink{Name: "s", Target: sink}), log, make([]committed, 1))
			<-time.After(1500 * time.Millisecond)
			l.stop()
			synctest.Wait()
			asked := sink.asked
			l.end()
			if sink.asked != asked || asked == 0 {
				t.Errorf("asked %d times, %d of them after the end", sink.asked, sink.asked-asked)
			}
		})
	}
}
