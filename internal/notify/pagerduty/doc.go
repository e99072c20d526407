// Package pagerduty sends crossings to PagerDuty's Events API v2: a trigger for each level of an
// episode, and a resolve at its clear, all with one key.
package pagerduty
