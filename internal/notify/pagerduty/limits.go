package pagerduty

// mostResolved is how many clears are known, some 200 bytes each.
const mostResolved = 10_000

// What the API takes. It counts characters; bytes are never fewer.
const (
	keyMost     = 255
	summaryMost = 1024
	sourceMost  = 512 // not documented: enough to know the subject, the details have all of it
)
