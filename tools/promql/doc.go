// Package promql looks at expressions of PromQL with Prometheus' own parser: whether they are valid, whether the metrics and labels that
// they name are those of the program, and whether they are written as dashboards want them.
//
// Its tests do so with the dashboards of deploy/monitoring. It is a module of its own, since the service needs nothing of what it imports.
package promql
