package pagerduty

// What the API takes. It counts characters; bytes are never fewer.
const (
	keyMost     = 255
	summaryMost = 1024
	sourceMost  = 512 // not documented: enough to know the subject, the details have all of it
)
