package alertmanager

const (
	// mostAlerts is how many alerts are kept, some 1 KB each. Those above it are sent once, and not ended by a clear.
	mostAlerts = 50_000
	// mostEnded is of how many clears it is known that they came, some 200 bytes each.
	mostEnded = 50_000
	// roundGroups is of how many subjects and rules alerts are sent again at once; nothing new is sent meanwhile.
	roundGroups = 50
	// roundOutage is how many requests of a round may fail in a row. One alone may be about what is in it.
	roundOutage = 2
)
