package servers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// settings renders broker i's server.properties, sorted by key.
func (c *cluster) settings(i int) []byte {
	props := c.defaults(i)
	if len(c.second) > 0 {
		maps.Copy(props, c.secondListener(i, props["listeners"]))
	}
	maps.Copy(props, c.options.Properties)
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(props)) {
		b = fmt.Appendf(b, "%s=%s\n", key, props[key])
	}
	return b
}

// defaults makes a small Kafka that starts fast: few internal partitions and no wait before a
// group's first rebalance. Records are kept for ever, however old their timestamps are. A killed
// broker may come back when its session has run out: after 4 s, not Kafka's 9.
func (c *cluster) defaults(i int) map[string]string {
	n := c.size()
	copies := fmt.Sprint(min(n, 3))
	most := fmt.Sprint(min(n, 3)/2 + 1)
	return map[string]string{
		"process.roles":                                    "broker,controller",
		"node.id":                                          fmt.Sprint(i + 1),
		"controller.quorum.voters":                         c.voters(),
		"controller.listener.names":                        "CONTROLLER",
		"listeners":                                        c.listeners(i),
		"listener.security.protocol.map":                   c.protocols(),
		"log.dirs":                                         c.home(i) + "/log",
		"log.retention.ms":                                 "-1",
		"log.cleaner.dedupe.buffer.size":                   "4194304",
		"auto.create.topics.enable":                        "false",
		"default.replication.factor":                       copies,
		"min.insync.replicas":                              most,
		"offsets.topic.num.partitions":                     "4",
		"offsets.topic.replication.factor":                 copies,
		"transaction.state.log.num.partitions":             "4",
		"transaction.state.log.replication.factor":         copies,
		"transaction.state.log.min.isr":                    most,
		"share.coordinator.state.topic.num.partitions":     "1",
		"share.coordinator.state.topic.replication.factor": copies,
		"share.coordinator.state.topic.min.isr":            most,
		"broker.session.timeout.ms":                        "4000",
		"broker.heartbeat.interval.ms":                     "500",
		"group.initial.rebalance.delay.ms":                 "0",
	}
}

// listeners are where broker i listens.
func (c *cluster) listeners(i int) string {
	ports := c.portsOf(i)
	list := []string{"PLAINTEXT://" + loopback(ports[0]), "CONTROLLER://" + loopback(ports[1])}
	addrs := named(c.options.Listeners, ports)
	for _, name := range slices.Sorted(maps.Keys(addrs)) {
		list = append(list, name+"://"+addrs[name])
	}
	return strings.Join(list, ",")
}

// protocols are the protocols of the listeners.
func (c *cluster) protocols() string {
	list := []string{"PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"}
	for _, name := range slices.Sorted(maps.Keys(c.options.Listeners)) {
		list = append(list, name+":"+c.options.Listeners[name])
	}
	return strings.Join(list, ",")
}

// secondListener gives clients that come through a proxy the proxy's address.
func (c *cluster) secondListener(i int, listeners string) map[string]string {
	return map[string]string{
		"listeners":                      listeners + ",SECOND://" + loopback(c.second[i]),
		"advertised.listeners":           fmt.Sprintf("PLAINTEXT://%s,SECOND://%s", loopback(c.portsOf(i)[0]), c.options.Advertise[i]),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECOND:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name":     "PLAINTEXT",
	}
}

func (c *cluster) voters() string {
	var voters []string
	for i := range c.size() {
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, loopback(c.portsOf(i)[1])))
	}
	return strings.Join(voters, ",")
}
