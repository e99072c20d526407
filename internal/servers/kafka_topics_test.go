package servers

import (
	"strings"
	"testing"
)

func TestTopics(t *testing.T) {
	k := SharedKafka(t)
	topic := k.NewTopic(2, map[string]string{"message.timestamp.type": "LogAppendTime"})
	if !strings.HasPrefix(topic, "TestTopics-") {
		t.Errorf("topic's name: %s", topic)
	}
	k.AddPartitions(topic, 5)
	k.Produce(topic, strings.NewReader("on the last\n"), "-p", "4")
	if got := k.Consume(topic, "-f", "%p %s\n"); len(got) != 1 || got[0] != "4 on the last" {
		t.Errorf("got %q", got)
	}
	k.DeleteTopic(topic)
	k.CreateTopic(topic+"-again", 1, nil)
	if got := k.Consume(topic + "-again"); got != nil {
		t.Errorf("an empty topic holds %q", got)
	}
}

func TestTopicThatExistsIsAFailure(t *testing.T) {
	k := SharedKafka(t)
	topic := k.NewTopic(1, nil)
	got := outcome(t, func(tb testing.TB) {
		SharedKafka(tb).CreateTopic(topic, 1, nil)
	})
	if !strings.Contains(got, "TOPIC_ALREADY_EXISTS") {
		t.Errorf("got %q", got)
	}
}
