package servers

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestDeleteRecordsAndConfigure(t *testing.T) {
	k := SharedKafka(t)
	topic := k.NewTopic(1, nil)
	k.Produce(topic, strings.NewReader("a\nb\nc\n"))
	k.DeleteRecords(topic, map[int32]int64{0: 2})
	if got := k.Consume(topic, "-f", "%o %s\n"); len(got) != 1 || got[0] != "2 c" {
		t.Errorf("got %q", got)
	}
	send := func(value string) error {
		client, err := kgo.NewClient(kgo.SeedBrokers(k.Addrs()...), kgo.DefaultProduceTopic(topic))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		return client.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr()
	}
	k.Configure(topic, map[string]string{"max.message.bytes": "1"})
	if err := send("too large"); err == nil {
		t.Error("the topic took a message above its limit")
	}
	k.Configure(topic, map[string]string{"max.message.bytes": ""})
	if err := send("small enough"); err != nil {
		t.Error(err)
	}
}

func TestRemoveMembers(t *testing.T) {
	k := SharedKafka(t)
	topic := k.NewTopic(1, nil)
	group := topic + "-group"
	lost := make(chan struct{})
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addrs()...), kgo.ClientID("first"), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.OnPartitionsLost(func(context.Context, *kgo.Client, map[string][]int32) { close(lost) }))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	k.Produce(topic, strings.NewReader("a\n"))
	if got := client.PollRecords(t.Context(), 1).Records(); len(got) != 1 { // it is a member
		t.Fatalf("got %d records", len(got))
	}
	if n := k.RemoveMembers(group, "second"); n != 0 {
		t.Errorf("%d members removed that are not there", n)
	}
	if n := k.RemoveMembers(group, "first", "third"); n != 1 {
		t.Errorf("%d members removed, want 1", n)
	}
	<-lost
}
