package partition

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/explain"
	"github.com/seed-afe14ff2/aggregator/internal/stream/fetch/records"
)

// Skip is a place of the log at which what cannot be read is to be passed over.
type Skip struct {
	Topic     string
	Partition int
	Offset    int64
}

// ParseSkip reads TOPIC/PARTITION/OFFSET.
func ParseSkip(text string) (Skip, error) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 || parts[0] == "" {
		return Skip{}, errors.New("write it as TOPIC/PARTITION/OFFSET, as the log says where it stands still")
	}
	x := Skip{Topic: parts[0]}
	var err error
	if x.Partition, err = strconv.Atoi(parts[1]); err != nil || x.Partition < 0 {
		return Skip{}, fmt.Errorf("partition %q is not a number from 0 on", parts[1])
	}
	if x.Offset, err = strconv.ParseInt(parts[2], 10, 64); err != nil || x.Offset < 0 {
		return Skip{}, fmt.Errorf("offset %q is not a number from 0 on", parts[2])
	}
	return x, nil
}

func (x Skip) String() string { return fmt.Sprintf("%s/%d/%d", x.Topic, x.Partition, x.Offset) }

// explainStandstill adds to the reason why a partition stands still what an operator can do about it. For a log
// that cannot be read it is the way past the damage.
func explainStandstill(err error) error {
	if bad, ok := errors.AsType[*records.Corrupt](err); ok {
		return fmt.Errorf("%w: what is there was damaged where it is stored; if no replica has it whole, pass it over with `aggregator run -skip %v`",
			err, Skip{bad.Topic, bad.Partition, bad.Offset})
	}
	return explain.Kafka(err)
}
