package subscribe

// MostNote is how long a note beside an offset is, bytes: brokers take 4,096 (offset.metadata.max.bytes).
const MostNote = 4_096
