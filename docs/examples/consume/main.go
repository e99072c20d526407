// Prints what an alert service would do at each crossing.
//
// Usage: consume BROKER TOPIC GROUP
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
)

// crossing is what is needed of a record. Data is there in the structured mode of CloudEvents.
type crossing struct {
	Schema   int
	ID       string
	DedupKey string `json:"dedup_key"`
	Status   string
	Severity string
	Level    float64
	Data     *crossing
}

func main() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Args[1]), kgo.ConsumeTopics(os.Args[2]), kgo.ConsumerGroup(os.Args[3]),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // nothing is missed at the first start
		kgo.DisableAutoCommit(),                           // it is committed when it is done
	)
	if err != nil {
		log.Fatal(err)
	}
	ctx, done := context.Background(), map[string]bool{} // better kept with what was done: a restart forgets it
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			log.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { handle(r.Value, done) })
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			log.Fatal(err)
		}
	}
}

func handle(value []byte, done map[string]bool) {
	c := new(crossing)
	if err := json.Unmarshal(value, c); err != nil {
		log.Fatal(err)
	}
	if c.Data != nil {
		c = c.Data
	}
	switch {
	case c.Schema != 1:
		log.Fatalf("a crossing of another form: %d", c.Schema)
	case done[c.ID]: // a repeat
	case c.Status == "cleared":
		fmt.Println("close", c.DedupKey)
	default: // opens an alert, or raises the one that is open
		fmt.Println("alert", c.DedupKey, c.Severity, c.Level)
	}
	done[c.ID] = true
}
