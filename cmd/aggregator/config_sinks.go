package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-afe14ff2/aggregator/internal/notify"
	"github.com/seed-afe14ff2/aggregator/internal/notify/alertmanager"
	"github.com/seed-afe14ff2/aggregator/internal/notify/pagerduty"
	"github.com/seed-afe14ff2/aggregator/internal/stream/partition"
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// sinksKey is the key of the list of sinks.
const sinksKey = "notify"

// The kinds of sinks, each a section of its own.
const (
	alertmanagerKind = "alertmanager"
	webhookKind      = "webhook"
	pagerdutyKind    = "pagerduty"
)

var sinkKinds = []string{alertmanagerKind, webhookKind, pagerdutyKind}

// sinkConfig is a sink as it is written. `run` leaves it alone: the files that it names are read by `notify` and `check`.
type sinkConfig struct {
	path     string // where it stands, as notify[0]
	file     string // of the config
	origins  map[string]origin
	name     string
	rules    []string
	minLevel thresholds.Level
	start    partition.Start
	kind     string

	urls   []string // of Alertmanager
	active time.Duration
	labels map[string]string
	url    string
	secret secret // of a webhook, or the routing key of PagerDuty
	tls    tlsFiles
}

// sinks reads the list of sinks. Each has keys of its own from then on.
func (r *configReader) sinks(at strictyaml.Place) {
	if at.Type == strictyaml.Null {
		return // all of it is commented out
	}
	items, _ := r.yaml.ListOrNone(at, `a list of sinks, as [{name: hook, webhook: {url: "https://alerts.example/aggregator"}}]`)
	for _, item := range items {
		if item.Type != strictyaml.Mapping {
			r.yaml.Fault(item, `this is %s; write a sink, as {name: hook, webhook: {url: "https://alerts.example/aggregator"}}`, r.yaml.Describe(item))
			continue
		}
		s := &sinkConfig{path: item.Path, file: r.file, origins: map[string]origin{}, active: alertmanager.DefaultActive}
		r.c.sinks = append(r.c.sinks, s)
		r.keys = append(r.keys, s.keys()...)
		r.origins[s.path] = origin{line: item.Line, column: item.Column}
		r.section(item)
	}
}

// keys are the keys of a sink. A variable names it by its name, as AGGREGATOR_NOTIFY_HOOK_WEBHOOK_URL.
func (s *sinkConfig) keys() []key {
	keys := []key{
		{"name", checked(&s.name, sinkName)},
		{"rules", list(&s.rules, rulePattern)},
		{"min_level", level(&s.minLevel)},
		{"start", beginning(&s.start)},
		{"alertmanager.urls", list(&s.urls, alertmanagerURL)},
		{"alertmanager.active", duration(&s.active, time.Minute, 3_650*day)},
		{"alertmanager.labels", labels(&s.labels)},
		{"webhook.url", checked(&s.url, sinkURL)},
		{"webhook.secret", secretText(&s.secret)},
		{"webhook.secret_file", secretFile(&s.secret)},
		{"pagerduty.url", checked(&s.url, sinkURL)},
		{"pagerduty.routing_key", secretText(&s.secret)},
		{"pagerduty.routing_key_file", secretFile(&s.secret)},
	}
	for _, kind := range sinkKinds {
		keys = append(keys, tlsKeys(kind+".tls", &s.tls)[1:]...) // the URL says whether it is enabled
	}
	for i := range keys {
		k := &keys[i]
		own := strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
		k.env = func() string {
			return envPrefix + "NOTIFY_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_")) + "_" + own
		}
		if k.path == "name" {
			k.env = func() string { return "" } // by which variables know it
		}
		k.path = s.path + "." + k.path
	}
	return keys
}

var sinkNameText = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// sinkName checks a name: it is part of a Kafka group's name, of variables and of metrics.
func sinkName(s string) error {
	if !sinkNameText.MatchString(s) {
		return fmt.Errorf("%q is not a name of a sink: small letters, digits and dashes, at most 32", s)
	}
	return nil
}

// sinkURL checks a URL, which is not shown: it may hold a password, or be a secret as a whole.
func sinkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
		return errors.New("write a URL of http or https, as https://alerts.example/aggregator")
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || n == 0) {
		return fmt.Errorf("its port is %s; ports go from 1 to 65535", u.Port())
	}
	return nil
}

// alertmanagerURL checks a URL to which the path of the API is added.
func alertmanagerURL(s string) error {
	if err := sinkURL(s); err != nil {
		return err
	}
	if strings.Contains(s, "?") {
		return errors.New("a ? stands in it, behind which no path can be; write it up to the path, as http://127.0.0.1:9093")
	}
	return nil
}

// labels are pairs whose names Alertmanager takes.
func labels(p *map[string]string) value {
	v := pairs(p)
	v.want = "a mapping, as {team: trust}"
	set := v.set
	v.set = func(s string) error {
		name, _, _ := strings.Cut(s, "=")
		return cmp.Or(alertmanager.CheckLabel(name), set(s))
	}
	return v
}

// rulePattern checks a pattern of rules' ids.
func rulePattern(s string) error {
	if notify.CheckPattern(s) != nil {
		return fmt.Errorf("%q is not a pattern: a rule's id, in which * stands for any part", s)
	}
	return nil
}

func level(p *thresholds.Level) value {
	return value{want: "a level, as 0.8", set: func(s string) error {
		l, ok := thresholds.ParseLevel(s)
		if !ok {
			return fmt.Errorf("%q is not a level, a share of the limit as 0.5 or 1, with at most 4 decimals", s)
		}
		*p = l
		return nil
	}}
}

// checkSinks finds what is wrong with sinks, without the files that they name.
func (r *configReader) checkSinks() {
	names := map[string]bool{}
	for _, s := range r.c.sinks {
		switch {
		case s.name == "":
			if !r.isSet(s.path + ".name") {
				r.fault(s.path, "a sink needs a name, as {name: hook, ...}: its Kafka group is called after it")
			}
		case names[s.name]:
			r.fault(s.path+".name", "%q is the name of another sink; its Kafka group is called after it, so give each its own", s.name)
		}
		names[s.name] = true
		r.checkKind(s)
		for path, at := range r.origins {
			if strings.HasPrefix(path, s.path) {
				s.origins[path] = at
			}
		}
	}
}

// checkKind finds out what a sink is, and whether it has what that needs.
func (r *configReader) checkKind(s *sinkConfig) {
	var found []string
	for _, kind := range sinkKinds {
		if slices.ContainsFunc(slices.Collect(maps.Keys(r.origins)), func(path string) bool { return strings.HasPrefix(path, s.path+"."+kind+".") }) {
			found = append(found, kind)
		}
	}
	if len(found) != 1 {
		r.fault(s.path, "a sink has one of %s, with what belongs to it; here are %d", strings.Join(sinkKinds, ", "), len(found))
		return
	}
	s.kind, s.tls.enabled = found[0], true
	switch {
	case s.kind == alertmanagerKind && len(s.urls) == 0:
		r.fault(s.path, `alertmanager.urls is missing; write {alertmanager: {urls: ["http://127.0.0.1:9093"]}}`)
	case s.kind == webhookKind && s.url == "":
		r.fault(s.path, "webhook.url is missing")
	case s.kind == pagerdutyKind && s.secret == (secret{}):
		r.fault(s.path, "pagerduty.routing_key_file is missing: the integration key of a service, of 32 characters, in a file")
	}
	if s.url == "" {
		s.url = pagerduty.DefaultURL
	}
	r.checkSinkTLS(s)
	r.checkSinkDoors(s)
}

// checkSinkTLS finds settings of TLS that no URL asks for.
func (r *configReader) checkSinkTLS(s *sinkConfig) {
	secure := func(to string) bool { return strings.HasPrefix(strings.ToLower(to), "https:") }
	if s.kind != alertmanagerKind && secure(s.url) || slices.ContainsFunc(s.urls, secure) {
		return
	}
	for _, k := range tlsKeys(s.path+"."+s.kind+".tls", &s.tls)[1:] {
		if off := (tlsFiles{enabled: true}); s.tls != off && r.isSet(k.path) {
			r.fault(k.path, "it has no effect while the URL begins with http: the connection would not be encrypted")
			return
		}
	}
}

// checkSinkDoors warns of what others may see on the way. An Alertmanager is mostly next door, and speaks no TLS.
func (r *configReader) checkSinkDoors(s *sinkConfig) {
	u, err := url.Parse(s.url)
	if s.kind != alertmanagerKind && err == nil && u.Scheme == "http" && !onlyThisMachine(net.JoinHostPort(u.Hostname(), "1")) {
		r.warn(s.path+"."+s.kind+".url", "the network between here and %s sees what crossed, and whoever sits there can answer in its place; use https", u.Host)
	}
	for _, f := range []struct{ path, name string }{
		{webhookKind + ".secret_file", s.secret.file},
		{pagerdutyKind + ".routing_key_file", s.secret.file},
		{s.kind + ".tls.key_file", s.tls.key},
		{webhookKind + ".secret", r.fileOf(s.path+"."+webhookKind+".secret", s.secret)},
		{pagerdutyKind + ".routing_key", r.fileOf(s.path+"."+pagerdutyKind+".routing_key", s.secret)},
	} {
		if path := s.path + "." + f.path; f.name != "" && r.isSet(path) {
			r.checkMode(path, f.name)
		}
	}
}

// fileOf is the config file, if a secret stands in it.
func (r *configReader) fileOf(path string, s secret) string {
	if r.inFile(path, s) {
		return r.file
	}
	return ""
}

// fault is what is wrong with a key of a sink, by where it was set.
func (s *sinkConfig) fault(path, format string, args ...any) string {
	message := fmt.Sprintf(format, args...)
	path = s.path + "." + s.kind + "." + path
	at := s.origins[path]
	if at.variable != "" {
		return "env " + at.variable + ": " + message
	}
	if at.line == 0 {
		at = s.origins[s.path]
	}
	f := strictyaml.Fault{File: s.file, Line: at.line, Column: at.column, Path: path, Message: message}
	return f.String()
}
