package preflight

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The settings of topics that are looked at.
const (
	cleanupPolicy    = "cleanup.policy"
	timestampType    = "message.timestamp.type"
	logAppendTime    = "LogAppendTime"                  // value of timestampType by which the broker's clock alone says when a record came
	timestampBound   = "message.timestamp.after.max.ms" // how far ahead producers' timestamps may lie
	retentionMillis  = "retention.ms"
	retentionBytes   = "retention.bytes"
	minInSync        = "min.insync.replicas"
	uncleanElections = "unclean.leader.election.enable"
)

// described is the settings of a topic, or why they cannot be read.
type described struct {
	settings map[string]string // those that the broker told
	err      error
}

// describe asks for the settings of topics that are there.
func describe(ctx context.Context, client *kgo.Client, topics []kmsg.MetadataResponseTopic) (map[string]described, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, t := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, *t.Topic
		r.ConfigNames = []string{timestampType, timestampBound, cleanupPolicy, retentionMillis, retentionBytes, minInSync, uncleanElections}
		req.Resources = append(req.Resources, r)
	}
	if len(req.Resources) == 0 {
		return nil, nil
	}
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	all := map[string]described{}
	for _, r := range res.Resources {
		d := described{map[string]string{}, kerr.ErrorForCode(r.ErrorCode)}
		for _, e := range r.Configs {
			if e.Value != nil {
				d.settings[e.Name] = *e.Value
			}
		}
		all[r.ResourceName] = d
	}
	return all, nil
}

// settings are the settings of all topics that are there. If those of a topic cannot be read, the
// map lacks it, and a warning says so.
func (k *kafkaCheck) settings(ctx context.Context) map[string]map[string]string {
	found, err := describe(ctx, k.client, k.topics)
	if err != nil {
		k.warn("kafka: the topics' settings cannot be read: %v", err)
		return nil
	}
	all := map[string]map[string]string{}
	for name, d := range found {
		if d.err != nil {
			k.warn("topic %s: its settings cannot be read: %v; see to it that %s", name, d.err, k.o.inShort(name))
			continue
		}
		all[name] = d.settings
	}
	return all
}
