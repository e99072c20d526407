package thresholds

// Limits: what a pack may ask for. DESIGN.md has each of them, with what happens at it.
const (
	// MaxValue is the largest value of a counter and the largest limit, 2^53 - 1:
	// the largest integer that JSON readers keep exactly.
	MaxValue = 1<<53 - 1

	// maxSteps is the most steps of a window: a counter keeps a bucket for each.
	maxSteps = 1_000

	// maxWindow is the longest window, in seconds: 36,500 days. A longer one is
	// `all`.
	maxWindow = 36_500 * 86_400

	// DefaultMaxMembers is the most keys that a distinct counter keeps unless the
	// config says otherwise.
	DefaultMaxMembers = 1_000_000
)
