// Package humanize writes numbers for readers: 50,000, and 2,000 events. What is written for programs, JSON and
// metrics, has no separators and does not come here.
package humanize
