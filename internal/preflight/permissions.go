package preflight

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// operations that the service needs. It reads the end of the crossings' topic so
// as not to publish twice.
var (
	readOperations  = []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationDescribe}
	writeOperations = []kmsg.ACLOperation{kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe}
	bothOperations  = []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDescribe}
)

// topicPermissions reports whether the user may do with a topic what the service does.
func (k *kafkaCheck) topicPermissions(t *kmsg.MetadataResponseTopic) bool {
	needed := writeOperations
	switch {
	case k.reads(*t.Topic) && k.writes(*t.Topic):
		needed = bothOperations
	case k.reads(*t.Topic):
		needed = readOperations
	}
	return k.allowed("topic "+*t.Topic, t.AuthorizedOperations, needed)
}

// unasked is the answer of a broker that does not say what is allowed.
const unasked = -1 << 31

// allowed compares a set of operations, a bit for each, with those needed. It is false if one is missing.
func (r *report) allowed(what string, set int32, needed []kmsg.ACLOperation) bool {
	if set == unasked {
		r.warn("%s: the broker does not say what is allowed", what)
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
		r.fail("%s: not allowed: %s", what, strings.Join(missing, ", "))
		return false
	}
	r.fine("%s: allowed: %s", what, strings.Join(names, ", "))
	return true
}
