// Package humanize writes numbers and durations for readers: 50,000, 2,000 events, 2d. What is written for programs, JSON and
// metrics, has no separators and does not come here.
package humanize
