package gen

import "bytes"

// spoil turns an event into a record that is no event, in one of many ways. None is empty or holds a newline, so that each stays one
// line of NDJSON.
func (g *Generator) spoil(value []byte) []byte {
	with := func(member string) []byte { return append(append(value[:len(value)-1], member...), '}') }
	switch g.rng.IntN(12) {
	case 0:
		return value[:1+g.rng.IntN(len(value)-1)] // cut off
	case 1:
		return bytes.Replace(value, []byte(`"id":`), []byte(`"no":`), 1)
	case 2:
		return bytes.Replace(value, []byte(`"time":"20`), []byte(`"time":"`), 1)
	case 3:
		return bytes.Replace(value, []byte(`"type":`), []byte(`"kind":`), 1)
	case 4:
		return with(`,"type":"click"`) // twice
	case 5:
		return with(`,"amount":-5`)
	case 6:
		return with(`,"records":"5"`)
	case 7:
		return with(`,"media":""`)
	case 8:
		return with(`,"note":"` + "\xff\xfe" + `"`)
	case 9:
		return with(`,"note":"\ud800"`)
	case 10:
		return append(value, `{}`...)
	default:
		return append(append([]byte{'['}, value...), ']')
	}
}
