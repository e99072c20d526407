//go:build linux

package bench

import (
	"testing"

	"github.com/seed-afe14ff2/aggregator/bench/gen"
)

// BenchmarkRules shows what each rule of the built-in pack costs. The service in this process reads
// a backlog of half of -events with that rule alone. It reads it in turns with a pack that counts
// nothing and with all of the built-in pack.
func BenchmarkRules(b *testing.B) {
	x := newFixture(b)
	printf("%s", describe(x.redis()))
	l := loadBacklog(b, x.kafka, "events", gen.Config{Seed: 42, Events: *events / 2})
	jobs := append([]job{{name: "none", pack: "testdata/none.yaml"}}, eachRule(b)...)
	jobs = append(jobs, job{name: "all of them"})
	x.inProcess(jobs[0], l) // warms Kafka up
	var t table
	for b.Loop() {
		for range *runs {
			for _, j := range jobs {
				t.note(j.name, x.inProcess(j, l))
			}
		}
	}
	printf("load average after: %s\n\n%s", loadAverage(), &t)
}

// eachRule is a job for each rule of the built-in pack.
func eachRule(b *testing.B) (jobs []job) {
	for _, r := range byDefault.rules(b).Rules {
		jobs = append(jobs, job{name: r.ID, only: r.ID})
	}
	return jobs
}
