package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// operations that the service needs. It reads the end of the crossings' topic so
// as not to publish twice.
var (
	readOperations  = []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationDescribe}
	writeOperations = []kmsg.ACLOperation{kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe}
	bothOperations  = []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe}
)

// permissions asks Kafka what the user may do. The library of the service cannot ask
// that, so another one does.
func (f *findings) permissions(ctx context.Context, c *config) {
	client, err := c.askingClient()
	if err != nil {
		f.warn("kafka: permissions not looked at: %v", err)
		return
	}
	defer client.Close()
	f.topicPermissions(ctx, client, c)
	f.groupPermissions(ctx, client, c)
}

func (c *config) askingClient() (*kgo.Client, error) {
	o := []kgo.Opt{kgo.SeedBrokers(c.kafka.Brokers...), kgo.ClientID(c.kafka.ClientID), kgo.RetryTimeout(liveTimeout)}
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

func (f *findings) topicPermissions(ctx context.Context, client *kgo.Client, c *config) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for _, name := range topicNames(&c.kafka) {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		f.warn("kafka: permissions not looked at: %v", err)
		return
	}
	for _, t := range res.Topics {
		if t.Topic == nil || t.ErrorCode != 0 {
			continue // said already
		}
		needed := writeOperations
		switch {
		case *t.Topic == c.kafka.Crossings:
			needed = bothOperations
		case slices.Contains(c.kafka.Events, *t.Topic):
			needed = readOperations
		}
		f.allowed("topic "+*t.Topic, t.AuthorizedOperations, needed)
	}
}

func (f *findings) groupPermissions(ctx context.Context, client *kgo.Client, c *config) {
	res, err := describeGroup(ctx, client, c.kafka.Group)
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		f.fail("group %s: %v", c.kafka.Group, err)
	case err != nil:
		f.warn("group %s: permissions not looked at: %v", c.kafka.Group, err)
	// From Kafka 4 on, a group that has no member yet is an error of its own.
	case res.ErrorCode == kerr.GroupIDNotFound.Code:
		f.fine("group %s: new", c.kafka.Group)
	case res.ErrorCode != 0:
		f.fail("group %s: %v", c.kafka.Group, kerr.ErrorForCode(res.ErrorCode))
	default:
		f.allowed("group "+c.kafka.Group, res.AuthorizedOperations, readOperations)
	}
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
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(250 * time.Millisecond):
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

// allowed compares a set of operations, a bit for each, with those needed.
func (f *findings) allowed(what string, set int32, needed []kmsg.ACLOperation) {
	if set == unasked {
		f.warn("%s: the broker does not say what is allowed", what)
		return
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
		return
	}
	f.fine("%s: allowed: %s", what, strings.Join(names, ", "))
}
