//go:build kube

package k8s

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

// These tests ask a real API server, by make check-deploy: the schema of every object, its admission, the Pod Security
// of every pod. Nothing runs: there is no node.

// cluster is an API server with the custom resources that the components use.
type cluster struct{ *servers.KubernetesServer }

func newCluster(t *testing.T) cluster {
	t.Helper()
	c := cluster{servers.Kubernetes(t)}
	c.must(t, "", "apply", "--server-side", "-f", c.Definitions())
	c.must(t, "", "wait", "--for=condition=Established", "--timeout=60s", "-f", c.Definitions())
	return c
}

// must runs kubectl, which must not fail.
func (c cluster) must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := c.Kubectl(stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// namespace makes the namespace of a variant, whose labels admission goes by, and returns its name.
func (c cluster) namespace(t *testing.T, v variant) string {
	t.Helper()
	if v.dir == "base" { // it brings none
		file := filepath.Join(variant{dir: "overlays/production"}.prepare(t), "namespace.yaml")
		edit(t, file, "name: aggregator", "name: base")
		c.must(t, "", "apply", "-f", file)
		return "base"
	}
	file := filepath.Join(v.dir, "namespace.yaml")
	c.must(t, "", "apply", "-f", file)
	return read[object](t, file).Metadata.Name
}

// apply applies a directory in dry run, as a user would for real.
func (c cluster) apply(dir, namespace string) (string, error) {
	return c.Kubectl("", "apply", "-k", dir, "-n", namespace, "--dry-run=server", "--validate=strict")
}

// pods are the pod templates of a directory as Pods. A Deployment whose pods would be refused is accepted.
func (c cluster) pods(t *testing.T, dir, namespace string) (pods []string) {
	t.Helper()
	listed := c.must(t, "", "apply", "-k", dir, "-n", namespace, "--dry-run=client", "-o", "json")
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct {
				Template struct {
					Metadata map[string]any `json:"metadata"`
					Spec     map[string]any `json:"spec"`
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(listed), &list); err != nil {
		t.Fatalf("%v: %s", err, listed)
	}
	for _, item := range list.Items {
		template := item.Spec.Template
		if template.Spec == nil {
			continue
		}
		template.Metadata["name"], template.Metadata["namespace"] = item.Metadata.Name, namespace
		pod, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": template.Metadata, "spec": template.Spec})
		if err != nil {
			t.Fatal(err)
		}
		pods = append(pods, string(pod))
	}
	return pods
}

// admit submits the pods of a directory.
func (c cluster) admit(t *testing.T, dir, namespace string) (string, error) {
	t.Helper()
	pods := c.pods(t, dir, namespace)
	if len(pods) == 0 {
		t.Fatalf("%s has no pod", dir)
	}
	var all string
	for _, pod := range pods {
		out, err := c.Kubectl(pod, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
		if err != nil {
			return out, err
		}
		all += out
	}
	return all, nil
}

// TestKubernetes applies every variant, and submits every pod.
func TestKubernetes(t *testing.T) {
	c := newCluster(t)
	for _, v := range variants {
		dir, namespace := v.prepare(t), c.namespace(t, v)
		out, err := c.apply(dir, namespace)
		if err != nil || strings.Contains(strings.ToLower(out), "warning") {
			t.Errorf("%v: %v: %s", v, err, out)
		}
		if want := len(render(t, dir)); strings.Count(out, "(server dry run)") != want {
			t.Errorf("%v: want %d objects: %s", v, want, out)
		}
		if out, err = c.admit(t, dir, namespace); err != nil || strings.Contains(strings.ToLower(out), "warning") {
			t.Errorf("%v: pods: %v: %s", v, err, out)
		}
	}
}

// TestKubernetesUpgrade: what was applied can be applied again with another config, image and number of pods. A field
// that cannot be changed, as a selector, would be refused.
func TestKubernetesUpgrade(t *testing.T) {
	c := newCluster(t)
	for _, v := range []variant{variants[1], variants[len(variants)-1]} {
		dir, namespace := v.prepare(t), c.namespace(t, v)
		c.must(t, "", "apply", "-k", dir, "-n", namespace)
		edit(t, filepath.Join(dir, "../../base/aggregator.yaml"), "packs: [cn-2019-15]", "packs: [cn-2019-15-after-order]")
		edit(t, filepath.Join(dir, "kustomization.yaml"), "newTag: ", "newTag: next-")
		if out, err := c.apply(dir, namespace); err != nil || !strings.Contains(out, "deployment.apps/aggregator configured") {
			t.Errorf("%v: %v: %s", v, err, out)
		}
	}
}

// TestKubernetesRefuses breaks the manifests in one place after the other: what this server lets pass proves something.
func TestKubernetesRefuses(t *testing.T) {
	c := newCluster(t)
	all := variants[len(variants)-1]
	namespace := c.namespace(t, all)
	f := func(file, from, to, want string) {
		t.Helper()
		dir := all.prepare(t)
		edit(t, filepath.Join(dir, "../..", file), from, to)
		out, err := c.apply(dir, namespace)
		if err == nil {
			out, err = c.admit(t, dir, namespace)
		}
		if err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s, %q: got %v and %s, want %q", file, to, err, out, want)
		}
	}
	const deployment = "base/deployment.yaml"
	f(deployment, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", `violates PodSecurity "restricted:latest": allowPrivilegeEscalation`)
	f(deployment, "runAsNonRoot: true", "runAsNonRoot: false", "violates PodSecurity")
	f(deployment, "drop: [ALL]", "drop: [NET_RAW]", "violates PodSecurity")
	f(deployment, "type: RuntimeDefault", "type: Unconfined", "violates PodSecurity")
	f(deployment, "revisionHistoryLimit:", "revisionHistoryLimits:", `unknown field "spec.revisionHistoryLimits"`)
	f(deployment, "sleep: {seconds: 3}", "sleep: {second: 3}", `unknown field "spec.template.spec.containers[0].lifecycle.preStop.sleep.second"`)
	f(deployment, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 2", "must be")
	f("base/pdb.yaml", "AlwaysAllow", "Always", "unhealthyPodEvictionPolicy")
	f("overlays/production/networkpolicy.yaml", "port: 6379}", "prot: 6379}", "unknown field")
	f("components/monitoring/prometheusrule.yaml", "alert: AggregatorLags", "alrt: AggregatorLags", "alrt")
	f("components/monitoring/podmonitor.yaml", "podMetricsEndpoints:", "podMetricsEndpoint:", "podMetricsEndpoint")
	f("components/keda/scaledobject.yaml", "maxReplicaCount: 12", "maxReplicaCount: twelve", "maxReplicaCount")
	f("components/keda/scaledobject.yaml", `fullMetadata: "false"`, "fullMetadata: false", "fullMetadata")
	f("components/keda-tls-sasl/triggerauthentication.yaml", "parameter: ca", "parametr: ca", "parametr")
}

// TestKubernetesTakesAll shows why the tests beside this one look at the policy's selector: a server takes one that
// selects every pod.
func TestKubernetesTakesAll(t *testing.T) {
	c := newCluster(t)
	v := variant{dir: "base"}
	dir, namespace := v.prepare(t), c.namespace(t, v)
	edit(t, filepath.Join(dir, "networkpolicy.yaml"), "  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: aggregator\n", "  podSelector: {}\n")
	if out, err := c.apply(dir, namespace); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	p := foundLoosely[networkPolicy](t, render(t, dir), "NetworkPolicy")
	if len(p.Spec.PodSelector.MatchLabels) != 0 || !slices.Contains(p.Spec.PolicyTypes, "Egress") {
		t.Errorf("kustomize fills the selector now: %+v", p.Spec)
	}
}
