package thresholds

import (
	"slices"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// What packs may name of an event. The names, and how long their values may
// be, are those of the events this program reads.
var (
	eventTypes = []string{
		"click", "view", "share", "comment", "publish", "send", "group", "follow", "establish", "register",
		"leak", "assist", "pay", "fund", "gain", "order", "refuse", "punish",
	}
	idFields     = []string{"incident", "content", "group", "site", "account", "recipient"}
	labelFields  = []string{"media", "category"}
	stringFields = append(append([]string{}, idFields...), labelFields...)
	numberFields = []string{"count", "members", "followers", "records", "amount"}
)

// The most bytes of an event's type and of its string fields. A longer value in
// a pack could match nothing.
const (
	maxType     = 64
	maxIDField  = 256
	maxMedia    = 32
	maxCategory = 64
)

func maxField(name string) int {
	switch name {
	case "media":
		return maxMedia
	case "category":
		return maxCategory
	default:
		return maxIDField
	}
}

// UsualType reports whether producers are known to send events of a type. If not, it returns the
// type that it may be meant to be; "" if it is like none.
func UsualType(name string) (usual bool, near string) {
	if slices.Contains(eventTypes, name) {
		return true, ""
	}
	return false, strictyaml.Nearest(name, eventTypes)
}
