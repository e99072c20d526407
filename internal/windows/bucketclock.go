package windows

// bucketClock is a subject's time as a counter sees it.
type bucketClock struct {
	spec *Spec

	// The bucket of the subject's time, where it starts and where the next one
	// does: saves a division per event.
	now, from, till int64
}

// moveTo notes the subject's time.
func (c *bucketClock) moveTo(t int64) {
	if t >= c.from && t < c.till {
		return
	}
	c.now = c.spec.Bucket(t)
	c.from = c.spec.Start(c.now)
	c.till = Never
	if c.spec.Step > 0 {
		c.till = c.spec.Start(satAdd(c.now, 1))
	}
}

// lowest is the oldest bucket in the window (after moveTo).
func (c *bucketClock) lowest() int64 {
	return c.spec.lowest(c.now)
}

// bucketOf is the bucket of time t, not after that of moveTo.
func (c *bucketClock) bucketOf(t int64) int64 {
	if t >= c.from {
		return c.now
	}
	return c.spec.Bucket(t)
}
