package deadletters

// Limits: what listing and putting back take. DESIGN.md has each of them, with what happens at it.
const (
	// reasonsMost is how many reasons a survey tells apart. The service has some forty; whoever else writes to the topic may have any.
	reasonsMost = 200

	// exampleMost is how much of a value, a key and a message an example shows, in bytes.
	exampleMost = 300

	// LongestLine is the longest line of a file that is put back, in bytes. The line of the largest dead letter, 1 MB of control
	// characters, takes six times that.
	LongestLine = 8 << 20

	// fileMost is how much of a file's records is held in memory, in bytes: all of them are judged before the first one is sent.
	fileMost = 256 << 20

	// keyMost is the longest key that is put back, in bytes.
	keyMost = 64 << 10
)
