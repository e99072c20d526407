package crossing

const (
	// idMost is how long an id of a crossing is, bytes: an id, a subject, or one that is made of these. The service makes none of
	// half that length, and sinks do not take what is much longer, as in a header.
	idMost = 1024
	// lastYear is the last one of a crossing's time. With some years after it, times still have four digits.
	lastYear = 9900
)
