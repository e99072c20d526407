package k8s

import (
	"net/url"
	"slices"
	"testing"

	"go.yaml.in/yaml/v4"
)

// notifyCommand is what the containers of notify are started with.
var notifyCommand = []string{"notify", "-config", configFile}

// notifyVariant is the production overlay with notify.
var notifyVariant = variant{"overlays/production", []string{"tls-sasl", "notify", "notify-tls-sasl"}}

// notifyParts are the manifests of notify.
func notifyParts(t *testing.T) (d deployment, p networkPolicy, b budget) {
	t.Helper()
	all := render(t, notifyVariant.prepare(t))
	d, err := parse[deployment](all.named(t, "Deployment", "aggregator-notify"))
	if err == nil {
		err = yaml.Unmarshal(all.named(t, "NetworkPolicy", "aggregator-notify"), &p)
	}
	if err == nil {
		err = yaml.Unmarshal(all.named(t, "PodDisruptionBudget", "aggregator-notify"), &b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d, p, b
}

// TestNotify: the pods of notify are as hard as the others, have the same image and config, and reach what they speak to alone.
func TestNotify(t *testing.T) {
	d, p, b := notifyParts(t)
	for _, fault := range faults(d, notifyCommand) {
		t.Error(fault)
	}
	all := render(t, notifyVariant.prepare(t))
	run, labels := found[deployment](t, all, "Deployment"), d.Spec.Template.Metadata.Labels
	if own := run.Spec.Template.Spec; d.Spec.Template.Spec.Containers[0].Image != own.Containers[0].Image || d.Spec.Template.Spec.configMap() != own.configMap() {
		t.Errorf("image %s, config %s", d.Spec.Template.Spec.Containers[0].Image, d.Spec.Template.Spec.configMap())
	}
	// What counts and what tells are never taken for one another.
	if matches(run.Spec.Selector.MatchLabels, labels) || matches(read[service](t, "base/service.yaml").Spec.Selector, labels) || !matches(b.Spec.Selector.MatchLabels, labels) {
		t.Errorf("labels %v", labels)
	}
	if !matches(p.Spec.PodSelector.MatchLabels, labels) || matches(p.Spec.PodSelector.MatchLabels, run.Spec.Template.Metadata.Labels) ||
		!slices.Equal(p.Spec.PolicyTypes, []string{"Ingress", "Egress"}) {
		t.Errorf("%+v", p.Spec)
	}
	var out []policyPort
	for _, rule := range p.Spec.Egress {
		out = append(out, rule.Ports...)
	}
	want := []policyPort{{"UDP", "53"}, {"TCP", "53"}, {"TCP", "9092"}, {"TCP", sinkPort(t, all)}, {"TCP", "443"}}
	if !slices.Equal(out, want) {
		t.Errorf("out: %v, want %v", out, want)
	}
}

// sinkPort is the port of the Alertmanager that the config names.
func sinkPort(t *testing.T, all manifests) string {
	t.Helper()
	text, _ := all.configOf(t)
	var c struct {
		Notify []struct {
			Alertmanager struct {
				URLs []string `yaml:"urls"`
			} `yaml:"alertmanager"`
		} `yaml:"notify"`
	}
	if err := yaml.Unmarshal([]byte(text), &c); err != nil || len(c.Notify) != 1 {
		t.Fatalf("%+v: %v", c, err)
	}
	u, err := url.Parse(c.Notify[0].Alertmanager.URLs[0])
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// TestNotifyLogin: notify logs in at Kafka as what counts does.
func TestNotifyLogin(t *testing.T) {
	d, _, _ := notifyParts(t)
	run := found[deployment](t, render(t, notifyVariant.prepare(t)), "Deployment")
	var kafka []string
	for _, e := range run.Spec.Template.Spec.Containers[0].Env {
		if len(e.Name) > 16 && e.Name[:16] == "AGGREGATOR_KAFKA" {
			kafka = append(kafka, e.Name+"="+e.Value+e.ValueFrom.SecretKeyRef.Key)
		}
	}
	for _, e := range d.Spec.Template.Spec.Containers[0].Env {
		kafka = slices.DeleteFunc(kafka, func(s string) bool { return s == e.Name+"="+e.Value+e.ValueFrom.SecretKeyRef.Key })
	}
	if len(kafka) > 0 {
		t.Errorf("notify lacks %q", kafka)
	}
}
