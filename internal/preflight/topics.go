package preflight

import "context"

// Topic is a topic as it is.
type Topic struct {
	Partitions int
	Replicas   int               // the least of any partition
	Settings   map[string]string // those that the broker tells
	Err        error             // why it tells none
}

// Topics asks how the topics of a deployment are. Those that are not there are left out.
func Topics(ctx context.Context, o *Options) (map[string]Topic, error) {
	client, err := newClient(o)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	there, err := (&kafkaCheck{o: o, client: client}).metadata(ctx)
	if err != nil {
		return nil, err
	}
	found, err := describe(ctx, client, there)
	topics := map[string]Topic{}
	for i := range there {
		t := &there[i]
		d := found[*t.Topic]
		if err != nil {
			d.err = err
		}
		least, _ := replicas(t)
		topics[*t.Topic] = Topic{Partitions: len(t.Partitions), Replicas: least, Settings: d.settings, Err: d.err}
	}
	return topics, nil
}
