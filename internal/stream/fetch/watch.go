package fetch

// Watcher is told how calls of brokers end.
type Watcher interface {
	// Answered: a broker answered, whatever it said.
	Answered(call string)
	// Failed: there was no answer, or the broker said no.
	Failed(call string, err error)
}

// The calls of a Client, as it tells them to its Watcher.
const (
	CallFetch    = "fetch"
	CallOffsets  = "offsets"  // where logs begin and end, and what stands there
	CallMetadata = "metadata" // topics, partitions and who leads them
)

type unwatched struct{}

func (unwatched) Answered(string)      {}
func (unwatched) Failed(string, error) {}
