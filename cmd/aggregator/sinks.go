package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/notify"
	"github.com/seed-afe14ff2/aggregator/internal/notify/alertmanager"
	"github.com/seed-afe14ff2/aggregator/internal/notify/pagerduty"
	"github.com/seed-afe14ff2/aggregator/internal/notify/post"
	"github.com/seed-afe14ff2/aggregator/internal/notify/webhook"
	"github.com/seed-afe14ff2/aggregator/internal/stream/subscribe"
	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
	"github.com/seed-afe14ff2/aggregator/internal/thresholds"
)

// openSinks reads the files that sinks name, and makes the sinks. Nothing is dialled yet.
func (c *config) openSinks() (list []*notify.Sink, bad faults) {
	for _, s := range c.sinks {
		target, wrong := s.target(c)
		if bad = append(bad, wrong...); wrong != nil {
			continue
		}
		list = append(list, &notify.Sink{Name: s.name, Rules: s.rules, MinLevel: s.minLevel, Start: subscribe.Start(s.start), Target: target})
	}
	return list, bad
}

// target is what a sink speaks to.
func (s *sinkConfig) target(c *config) (notify.Target, faults) {
	settings, key, err := s.tls.config()
	if err != nil {
		return nil, faults{s.fault("tls."+key, "%v", err)}
	}
	client := post.New(settings)
	board := boardOf(c.auth.ExternalURL)
	switch s.kind {
	case alertmanagerKind:
		return alertmanager.New(alertmanager.Options{Client: client, URLs: s.urls, Active: s.active, Labels: s.labels, Board: board}), nil
	case webhookKind:
		return s.webhook(client)
	}
	text, err := s.secret.read()
	routingKey := strings.TrimSpace(text)
	if err == nil {
		err = pagerduty.CheckKey(routingKey)
	}
	if err != nil {
		return nil, faults{s.fault(s.secretKey("routing_key"), "%v", err)}
	}
	return pagerduty.New(pagerduty.Options{Client: client, URL: s.url, RoutingKey: routingKey, Board: board}), nil
}

// secretKey is the key by which a secret was given.
func (s *sinkConfig) secretKey(name string) string {
	if s.secret.file != "" {
		return name + "_file"
	}
	return name
}

// webhook makes a webhook, with its secret if it has one.
func (s *sinkConfig) webhook(client *post.Client) (notify.Target, faults) {
	hook := &webhook.Sink{Client: client, URL: s.url}
	if s.secret == (secret{}) {
		return hook, nil
	}
	text, err := s.secret.read()
	if err == nil {
		hook.Secret, err = webhook.ParseSecret(text)
	}
	if err != nil {
		return nil, faults{s.fault(s.secretKey("secret"), "%v", err)}
	}
	return hook, nil
}

// boardOf finds the page of a subject on the board that users reach at a URL; "": nobody is told where it is.
func boardOf(external string) func(by, subject string) string {
	return func(by, subject string) string {
		switch base := strings.TrimSuffix(external, "/"); {
		case base == "":
			return ""
		case subject == "" || subject == "." || subject == "..": // which no path can hold
			return base + "/"
		default:
			return base + "/subjects/" + by + "/" + url.PathEscape(subject)
		}
	}
}

// idleSinks warns of patterns that fit no rule: the sink would be told of nothing, and nobody would miss it.
func (c *config) idleSinks(packs []*thresholds.Pack) (warnings []string) {
	for _, s := range c.sinks {
		for _, pattern := range s.rules {
			if slices.ContainsFunc(packs, func(p *thresholds.Pack) bool { return fits(pattern, p) }) {
				continue
			}
			path := s.path + ".rules"
			at, message := s.origins[path], fmt.Sprintf("%q fits no rule of these packs", pattern)
			if at.variable != "" {
				warnings = append(warnings, "env "+at.variable+": warning: "+message)
				continue
			}
			f := strictyaml.Fault{File: s.file, Line: at.line, Column: at.column, Path: path, Message: message, Warning: true}
			warnings = append(warnings, f.String())
		}
	}
	return warnings
}

// fits reports whether a pattern fits a rule of a pack.
func fits(pattern string, p *thresholds.Pack) bool {
	sink := notify.Sink{Rules: []string{pattern}}
	return slices.ContainsFunc(p.Rules, func(rule *thresholds.Rule) bool { return sink.Told(rule.ID) })
}
