package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

// operations that the service needs. It reads the end of the crossings' topic so
// as not to publish twice.
var (
	readOperations  = []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationDescribe}
	writeOperations = []kmsg.ACLOperation{kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe}
	bothOperations  = []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe}
)

func (c *config) askingClient() (*kgo.Client, error) {
	o := []kgo.Opt{kgo.SeedBrokers(c.kafka.Brokers...), kgo.ClientID(c.kafka.ClientID), kgo.RetryTimeout(liveTimeout), kgo.DialTimeout(3 * time.Second)}
	if c.kafka.TLS != nil {
		o = append(o, kgo.DialTLSConfig(c.kafka.TLS))
	}
	password, err := c.sasl.password.read()
	if err != nil {
		return nil, err
	}
	switch c.sasl.mechanism {
	case "plain":
		o = append(o, kgo.SASL(plain.Auth{User: c.sasl.username, Pass: password}.AsMechanism()))
	case "scram-sha-256":
		o = append(o, kgo.SASL(scram.Auth{User: c.sasl.username, Pass: password}.AsSha256Mechanism()))
	case "scram-sha-512":
		o = append(o, kgo.SASL(scram.Auth{User: c.sasl.username, Pass: password}.AsSha512Mechanism()))
	}
	return kgo.NewClient(o...)
}

// topicPermissions says whether the user may do with a topic what the service does.
func (k *kafkaCheck) topicPermissions(t *kmsg.MetadataResponseTopic) bool {
	needed := writeOperations
	switch {
	case *t.Topic == k.c.kafka.Crossings:
		needed = bothOperations
	case k.reads(*t.Topic):
		needed = readOperations
	}
	return k.allowed("topic "+*t.Topic, t.AuthorizedOperations, needed)
}

// groupPermissions says whether the user may do with the group what the service does, and whether nobody is in it.
func (k *kafkaCheck) groupPermissions(ctx context.Context) (free, ok bool) {
	name := k.c.kafka.Group
	res, err := describeGroup(ctx, k.client, name)
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		k.fail("group %s: %v", name, err)
		return false, false
	case err != nil:
		k.warn("group %s: permissions not looked at: %v", name, err)
		return false, false
	// From Kafka 4 on, a group that has no member yet is an error of its own.
	case res.ErrorCode == kerr.GroupIDNotFound.Code:
		if others := k.newMembers(ctx, name); others != "" {
			k.fail("group %s: its members are no aggregators, and what they have nobody counts: %s; give the service a kafka.group of its own", name, others)
			return false, false
		}
		k.fine("group %s: new", name)
		return true, true
	case res.ErrorCode != 0:
		k.fail("group %s: %v", name, kerr.ErrorForCode(res.ErrorCode))
		return false, false
	}
	ok = k.allowed("group "+name, res.AuthorizedOperations, readOperations)
	if len(res.Members) > 0 {
		k.members(ctx, len(res.Members))
	}
	return len(res.Members) == 0, ok
}

// members says who is in the group: other programs would have a part of the events, which nobody counts.
func (k *kafkaCheck) members(ctx context.Context, n int) {
	name := k.c.kafka.Group
	strangers, err := stream.Strangers(ctx, &k.c.kafka)
	switch {
	case err != nil:
		k.warn("group %s: %s, not looked at: %v", name, humanize.Count(n, "member"), err)
	case len(strangers) > 0:
		k.fail("group %s: not all of its members are aggregators, and what the others have nobody counts: %s; give the service a kafka.group of its own", name, strings.Join(strangers, "; "))
	default:
		k.fine("group %s: %s, left alone", name, humanize.Count(n, "member"))
	}
}

// newMembers are those of a group that speaks the new protocol of consumers, as no aggregator does: then Kafka says that there is no group of
// the classic one.
func (k *kafkaCheck) newMembers(ctx context.Context, group string) string {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{group}
	res, err := req.RequestWith(ctx, k.client)
	if err != nil || len(res.Groups) != 1 || res.Groups[0].ErrorCode != 0 {
		return "" // brokers that know no such protocol have no such group
	}
	var names []string
	for _, m := range res.Groups[0].Members {
		names = append(names, fmt.Sprintf("%q at %s", m.ClientID, strings.TrimPrefix(m.ClientHost, "/")))
	}
	return strings.Join(names, "; ")
}

// describeGroup waits for the group's coordinator: the first question about any group makes
// Kafka create the topic that it keeps groups in.
func describeGroup(ctx context.Context, client *kgo.Client, group string) (*kmsg.DescribeGroupsResponseGroup, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	req.IncludeAuthorizedOperations = true
	for {
		res, err := req.RequestWith(ctx, client)
		if err == nil && len(res.Groups) == 1 {
			err = retriable(res.Groups[0].ErrorCode)
		}
		switch {
		case err == nil && len(res.Groups) == 1:
			return &res.Groups[0], nil
		case err == nil:
			return nil, fmt.Errorf("the broker describes %d groups", len(res.Groups))
		case !kerr.IsRetriable(err):
			return nil, err
		}
		if retry.Wait(ctx, 250*time.Millisecond); ctx.Err() != nil {
			return nil, err
		}
	}
}

// retriable is the error of a code that may pass by itself, else nil.
func retriable(code int16) error {
	if err := kerr.ErrorForCode(code); kerr.IsRetriable(err) {
		return err
	}
	return nil
}

// unasked is what a broker answers that does not say what is allowed.
const unasked = -1 << 31

// allowed compares a set of operations, a bit for each, with those needed. It is false if one is missing.
func (f *findings) allowed(what string, set int32, needed []kmsg.ACLOperation) bool {
	if set == unasked {
		f.warn("%s: the broker does not say what is allowed", what)
		return true
	}
	var names, missing []string
	for _, o := range needed {
		names = append(names, o.String())
		if set&(1<<o) == 0 {
			missing = append(missing, o.String())
		}
	}
	if len(missing) > 0 {
		f.fail("%s: not allowed: %s", what, strings.Join(missing, ", "))
		return false
	}
	f.fine("%s: allowed: %s", what, strings.Join(names, ", "))
	return true
}
