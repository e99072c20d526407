// Package k8s holds the tests of the manifests beside it and of the Dockerfile.
package k8s

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	// stopDeadline is what the program allows itself to stop in, as in
	// cmd/aggregator, and closing what it may then need to close its connections.
	stopDeadline = 20 * time.Second
	closing      = 10 * time.Second
	// uid is the user of the image; no file in it belongs to that user.
	uid = 65532
	// configFile is where the container finds its config.
	configFile = "/etc/aggregator/aggregator.yaml"
)

// runCommand is what the container is started with, after its entry point.
var runCommand = []string{"run", "-config", configFile}

// faults lists what is wrong with a Deployment, as Kubernetes would not tell.
func faults(d deployment, command []string) []string {
	var found []string
	demand := func(holds bool, what string) {
		if !holds {
			found = append(found, what)
		}
	}
	spec, p := d.Spec, d.Spec.Template.Spec
	demand(d.APIVersion == "apps/v1" && d.Kind == "Deployment", "kind")
	demand(matches(spec.Selector.MatchLabels, spec.Template.Metadata.Labels), "selector")
	demand(spec.Strategy.Type == "RollingUpdate" && spec.Strategy.RollingUpdate.MaxSurge == 0 &&
		spec.Strategy.RollingUpdate.MaxUnavailable == 1, "strategy")
	demand(isFalse(p.AutomountServiceAccountToken), "automountServiceAccountToken")
	demand(isFalse(p.EnableServiceLinks), "enableServiceLinks")
	demand(p.SecurityContext.RunAsNonRoot, "runAsNonRoot")
	demand(p.SecurityContext.RunAsUser == uid && p.SecurityContext.RunAsGroup == uid, "runAsUser and runAsGroup")
	demand(p.SecurityContext.SeccompProfile.Type == "RuntimeDefault", "seccompProfile")
	for _, spread := range p.TopologySpreadConstraints {
		demand(matches(spread.LabelSelector.MatchLabels, spec.Template.Metadata.Labels), "topology spread's selector")
	}
	if len(p.Containers) != 1 {
		return append(found, "one container")
	}
	stop := time.Duration(p.Containers[0].Lifecycle.PreStop.Sleep.Seconds)*time.Second + stopDeadline + closing
	demand(stop > stopDeadline+closing, "preStop")
	grace := time.Duration(p.TerminationGracePeriodSeconds) * time.Second
	demand(grace > stop, fmt.Sprintf("grace period %v, a pod takes up to %v", grace, stop))
	return append(found, containerFaults(p.Containers[0], command)...)
}

func containerFaults(c container, command []string) []string {
	var found []string
	demand := func(holds bool, what string) {
		if !holds {
			found = append(found, what)
		}
	}
	demand(isFalse(c.SecurityContext.AllowPrivilegeEscalation), "allowPrivilegeEscalation")
	demand(c.SecurityContext.ReadOnlyRootFilesystem, "readOnlyRootFilesystem")
	demand(slices.Equal(c.SecurityContext.Capabilities.Drop, []string{"ALL"}), "capabilities")
	demand(slices.Equal(c.Args, command), "args")
	demand(len(c.Ports) == 1 && c.Ports[0].Name == "http" && c.Ports[0].ContainerPort == 8080, "port")
	demand(c.StartupProbe.HTTPGet.Path == "/livez" && c.StartupProbe.HTTPGet.Port == "http", "startup probe")
	demand(c.LivenessProbe.HTTPGet.Path == "/livez" && c.LivenessProbe.HTTPGet.Port == "http", "liveness probe")
	demand(c.ReadinessProbe.HTTPGet.Path == "/readyz" && c.ReadinessProbe.HTTPGet.Port == "http", "readiness probe")
	mounts := map[string]string{}
	for _, mount := range c.VolumeMounts {
		demand(mount.ReadOnly, "mount of "+mount.Name)
		mounts[mount.Name] = mount.MountPath
	}
	demand(mounts["config"] == filepath.Dir(configFile), "mount of the config")
	demand(c.Resources.Requests["memory"] == c.Resources.Limits["memory"], "memory's request and limit")
	demand(c.Resources.Limits["cpu"] == "", "limit of cpu")
	demand(goMemory(c) == mebibytes(c.Resources.Limits["memory"])*9/10, "GOMEMLIMIT is not 90 % of the limit")
	return found
}

// goMemory returns GOMEMLIMIT in MiB.
func goMemory(c container) int {
	for _, env := range c.Env {
		if env.Name == "GOMEMLIMIT" {
			return mebibytes(strings.TrimSuffix(env.Value, "B"))
		}
	}
	return 0
}

// mebibytes reads "512Mi"; anything else is -1.
func mebibytes(text string) int {
	var n int
	if _, err := fmt.Sscanf(text, "%dMi", &n); err != nil {
		return -1
	}
	return n
}

func isFalse(p *bool) bool { return p != nil && !*p }

// matches reports whether a selector, which must not be empty, takes a pod with
// these labels.
func matches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}

func TestDeployment(t *testing.T) {
	for _, fault := range faults(read[deployment](t, "base/deployment.yaml"), runCommand) {
		t.Error(fault)
	}
}

// TestFaultsAreFound breaks the Deployment in one place after the other.
func TestFaultsAreFound(t *testing.T) {
	good, err := os.ReadFile("base/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := func(from, to, want string) {
		t.Helper()
		broken := bytes.Replace(good, []byte(from), []byte(to), 1)
		if bytes.Equal(broken, good) {
			t.Errorf("nothing to break: %q", from)
		}
		d, err := parse[deployment](broken)
		got := faults(d, runCommand)
		if err != nil {
			got = []string{err.Error()}
		}
		if len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%q for %q: got %q, want one with %q", to, from, got, want)
		}
	}
	f("maxSurge: 0", "maxSurge: 1", "strategy")
	f("  selector:\n    matchLabels:\n      app.kubernetes.io/name: ", "  selector:\n    matchLabels:\n      app: ", "selector")
	f("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 30", "grace period 30s")
	f("automountServiceAccountToken: false", "automountServiceAccountToken: true", "automount")
	f("enableServiceLinks: false", "", "enableServiceLinks")
	f("runAsNonRoot: true", "", "runAsNonRoot")
	f("runAsUser: 65532", "runAsUser: 0", "runAsUser")
	f("type: RuntimeDefault", "type: Unconfined", "seccompProfile")
	f("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation")
	f("allowPrivilegeEscalation: false", "allowPrivilegeEscalatoin: false", "not found in type")
	f("readOnlyRootFilesystem: true", "", "readOnlyRootFilesystem")
	f("drop: [ALL]", "drop: [NET_RAW]", "capabilities")
	f("-config, /etc/aggregator/", "-config, /etc/", "args")
	f("containerPort: 8080", "containerPort: 80", "port")
	f("path: /readyz", "path: /livez", "readiness")
	f("value: 460MiB", "value: 600MiB", "GOMEMLIMIT")
	f("mountPath: /etc/aggregator", "mountPath: /etc", "mount")
	f("readOnly: true", "readOnly: false", "mount of config")
	f("sleep: {seconds: 3}", "sleep: {seconds: 0}", "preStop")
	f("sleep: {seconds: 3}", "sleep: {seconds: 30}", "grace period 1m0s")
	f("replicas: 2", "replicas: 2\n  replicas: 3", "already")
}

func TestServiceAndBudget(t *testing.T) {
	labels := read[deployment](t, "base/deployment.yaml").Spec.Template.Metadata.Labels
	s := read[service](t, "base/service.yaml")
	if !matches(s.Spec.Selector, labels) || s.Kind != "Service" || s.APIVersion != "v1" {
		t.Errorf("the service selects no pod: %+v", s)
	}
	if len(s.Spec.Ports) != 1 || s.Spec.Ports[0].TargetPort != "http" {
		t.Errorf("ports: %+v", s.Spec.Ports)
	}
	b := read[budget](t, "base/pdb.yaml")
	if !matches(b.Spec.Selector.MatchLabels, labels) || b.Kind != "PodDisruptionBudget" || b.APIVersion != "policy/v1" {
		t.Errorf("the budget selects no pod: %+v", b)
	}
	if b.Spec.MaxUnavailable != 1 || b.Spec.UnhealthyPodEvictionPolicy != "AlwaysAllow" {
		t.Errorf("budget: %+v", b.Spec)
	}
}

// TestNamespace checks that the overlays' namespaces demand what the pods keep.
func TestNamespace(t *testing.T) {
	want := map[string]string{
		"pod-security.kubernetes.io/enforce":         "restricted",
		"pod-security.kubernetes.io/enforce-version": "latest",
		"pod-security.kubernetes.io/warn":            "restricted",
		"pod-security.kubernetes.io/warn-version":    "latest",
	}
	for _, file := range []string{"overlays/production/namespace.yaml", "overlays/demo/namespace.yaml"} {
		if n := read[object](t, file); n.Kind != "Namespace" || !maps.Equal(n.Metadata.Labels, want) {
			t.Errorf("%s: got %+v", file, n)
		}
	}
}

// TestNoFileIsForgotten checks that a kustomization uses what lies beside it,
// and that what it uses is there.
func TestNoFileIsForgotten(t *testing.T) {
	f := func(dir string) {
		t.Helper()
		k := read[kustomization](t, filepath.Join(dir, "kustomization.yaml"))
		used := append([]string{"kustomization.yaml"}, k.Resources...)
		for _, g := range k.ConfigMapGenerator {
			used = append(used, g.Files...)
		}
		for _, p := range k.Patches {
			if p.Path != "" {
				used = append(used, p.Path)
			}
		}
		for _, name := range used {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !slices.Contains(used, file.Name()) {
				t.Errorf("%s does not use %s", dir, file.Name())
			}
		}
	}
	f("base")
	for _, dirs := range []string{"overlays", "components"} {
		entries, err := os.ReadDir(dirs)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			f(filepath.Join(dirs, entry.Name()))
		}
	}
}
