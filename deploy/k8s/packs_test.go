package k8s

import (
	"path/filepath"
	"testing"
)

// packsMap is the ConfigMap of the component packs, and packsDir where it is mounted.
const (
	packsMap = "aggregator-packs"
	packsDir = "/etc/aggregator-packs"
)

// TestPacks: a changed pack changes the ConfigMap alone, under the name that it had: pods are not rolled, and take it.
func TestPacks(t *testing.T) {
	dir := variant{"overlays/production", []string{"packs"}}.prepare(t)
	before := render(t, dir)
	file := filepath.Join(dir, "../../components/packs/own.yaml")
	edit(t, file, "{shares: 1_000}", "{shares: 500}")
	after := render(t, dir)
	if packsOf(before) == packsOf(after) {
		t.Error("the ConfigMap has not changed")
	}
	if string(before.find(t, "Deployment")) != string(after.find(t, "Deployment")) {
		t.Error("the Deployment changes with a pack")
	}
	pod := found[deployment](t, after, "Deployment").Spec.Template.Spec
	c := pod.Containers[0]
	mounted := false // as a whole: a subPath would be no known field
	for _, m := range c.VolumeMounts {
		mounted = mounted || m.MountPath == packsDir && m.ReadOnly
	}
	if !mounted {
		t.Errorf("mounts: %+v", c.VolumeMounts)
	}
	env := map[string]string{}
	for _, x := range c.Env {
		env[x.Name] = x.Value
	}
	if env["AGGREGATOR_RULES_FILES"] != packsDir || env["AGGREGATOR_RULES_POLL"] == "" {
		t.Errorf("variables: %v", env)
	}
}

// packsOf is the ConfigMap of packs; "": there is none.
func packsOf(all manifests) string {
	for _, m := range all {
		if m.Kind == "ConfigMap" && m.Metadata.Name == packsMap {
			return string(m.text)
		}
	}
	return ""
}
