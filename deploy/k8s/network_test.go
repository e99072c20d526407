package k8s

import (
	"net"
	"slices"
	"strconv"
	"testing"
)

// networkPolicy is what the tests look at of one.
type networkPolicy struct {
	Spec struct {
		PodSelector selector `yaml:"podSelector"`
		PolicyTypes []string `yaml:"policyTypes"`
		Ingress     []struct {
			Ports []policyPort `yaml:"ports"`
		} `yaml:"ingress"`
		Egress []struct {
			Ports []policyPort `yaml:"ports"`
		} `yaml:"egress"`
	} `yaml:"spec"`
}

type policyPort struct {
	Protocol string `yaml:"protocol"`
	Port     string `yaml:"port"`
}

// TestNetworkPolicy: the policy is of our pods alone, and lets them reach what their config names, and nothing else.
// An empty selector would take every pod of the namespace, and Kubernetes accepts it.
func TestNetworkPolicy(t *testing.T) {
	for _, v := range variants {
		all := render(t, v.prepare(t))
		p := foundLoosely[networkPolicy](t, all, "NetworkPolicy")
		if labels := found[deployment](t, all, "Deployment").Spec.Template.Metadata.Labels; !matches(p.Spec.PodSelector.MatchLabels, labels) {
			t.Errorf("%v: the selector %v is not for pods of labels %v alone", v, p.Spec.PodSelector.MatchLabels, labels)
		}
		if !slices.Equal(p.Spec.PolicyTypes, []string{"Ingress", "Egress"}) {
			t.Errorf("%v: types %v", v, p.Spec.PolicyTypes)
		}
		if len(p.Spec.Ingress) != 1 || !slices.Equal(p.Spec.Ingress[0].Ports, []policyPort{{"TCP", "http"}}) {
			t.Errorf("%v: in: %v", v, p.Spec.Ingress)
		}
		var got []policyPort
		for _, rule := range p.Spec.Egress {
			got = append(got, rule.Ports...)
		}
		if want := portsOf(t, all); !slices.Equal(got, want) {
			t.Errorf("%v: out: %v, want %v", v, got, want)
		}
	}
}

// portsOf are the ports that the program dials: DNS, and the servers of its config, each once.
func portsOf(t *testing.T, all manifests) []policyPort {
	t.Helper()
	_, c := all.configOf(t)
	ports := []policyPort{{"UDP", "53"}, {"TCP", "53"}}
	for _, addr := range slices.Concat(c.Kafka.Brokers, c.Redis.Addrs) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := strconv.Atoi(port); err != nil {
			t.Fatal(err)
		}
		if p := (policyPort{"TCP", port}); !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	return ports
}
