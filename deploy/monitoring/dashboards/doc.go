// Package dashboards builds the dashboards for Grafana that are committed beside it, as JSON: `make dashboards` writes them anew.
//
// What is on a dashboard is data: a list of rows, each a list of charts (operations.go, levels.go). A chart says what it shows, what is
// normal, and what to do otherwise. chart.go makes a panel of each, and grafana.go has the keys that Grafana reads.
//
// In expressions the braces of a selector stand for the processes that are chosen at the top of the dashboard: {} becomes
// {job=~"$job",instance=~"$instance"}.
//
// A panel that has "No data" lacks a series, which is a fault, or nothing to work a quantile out of. So no expression makes a 0 up: series
// of errors are there from the start.
package dashboards
