package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-afe14ff2/aggregator/internal/humanize"
	"github.com/seed-afe14ff2/aggregator/internal/retry"
	"github.com/seed-afe14ff2/aggregator/internal/stream"
)

// group joins the group and leaves it again, if nobody is in it: that shows more than rights do.
// Members are not disturbed.
func (k *kafkaCheck) group(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	name := k.o.Kafka.Group
	free, ok := k.groupPermissions(ctx)
	if !ok || !free {
		return
	}
	if err := k.joinAndLeave(ctx); err != nil {
		k.fail("group %s: not joined: %v", name, err)
		return
	}
	k.fine("group %s: joined and left again", name)
}

// joinAndLeave offers the balancers that the service offers, so that a process that joins meanwhile meets nothing strange.
func (k *kafkaCheck) joinAndLeave(ctx context.Context) error {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.ProtocolType = k.o.Kafka.Group, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 5_000
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = k.o.Kafka.Events
	for _, balancer := range stream.Protocols() {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = balancer, meta.AppendTo(nil)
		req.Protocols = append(req.Protocols, p)
	}
	for {
		res, err := req.RequestWith(ctx, k.client)
		if err != nil {
			return err
		}
		if res.MemberID != "" {
			req.MemberID = res.MemberID
		}
		err = kerr.ErrorForCode(res.ErrorCode)
		switch {
		case errors.Is(err, kerr.MemberIDRequired): // which it has got now
			continue
		case err != nil && retriable(res.ErrorCode) == nil:
			return err
		case err == nil:
			return k.leave(ctx, req.MemberID)
		}
		if retry.Wait(ctx, 250*time.Millisecond); ctx.Err() != nil {
			return err
		}
	}
}

func (k *kafkaCheck) leave(ctx context.Context, member string) error {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = k.o.Kafka.Group, member
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = member
	req.Members = append(req.Members, m)
	res, err := req.RequestWith(ctx, k.client)
	if err == nil {
		err = kerr.ErrorForCode(res.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("left: %w", err)
	}
	return nil
}

// groupPermissions reports whether the user may do with the group what the service does, and whether nobody is in it.
func (k *kafkaCheck) groupPermissions(ctx context.Context) (free, ok bool) {
	name := k.o.Kafka.Group
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

// members reports who is in the group: other programs would have a part of the events, which nobody counts.
func (k *kafkaCheck) members(ctx context.Context, n int) {
	name := k.o.Kafka.Group
	strangers, err := stream.Strangers(ctx, &k.o.Kafka)
	switch {
	case err != nil:
		k.warn("group %s: %s, not looked at: %v", name, humanize.Count(n, "member"), err)
	case len(strangers) > 0:
		k.fail("group %s: not all of its members are aggregators, and what the others have nobody counts: %s; give the service a kafka.group of its own",
			name, strings.Join(strangers, "; "))
	default:
		k.fine("group %s: %s, left alone", name, humanize.Count(n, "member"))
	}
}

// newMembers are the members of a group that speaks the new protocol of consumers, as no aggregator
// does. If Kafka is asked for such a group as a group of the classic protocol, it answers that
// there is none.
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

// retriable is the error of a code that may pass by itself; nil for any other code.
func retriable(code int16) error {
	if err := kerr.ErrorForCode(code); kerr.IsRetriable(err) {
		return err
	}
	return nil
}
