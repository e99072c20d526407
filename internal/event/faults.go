package event

// fault is what a scan found wrong at the position it returns. It costs
// nothing to hand up; only the caller who knows the member makes an error of it.
type fault uint8

const (
	fine fault = iota
	faultEmpty
	faultTooLarge
	faultEnd
	faultByte
	faultName
	faultColon
	faultComma
	faultControl
	faultEscape
	faultNumber
	faultUTF8
	faultSurrogate
	faultDuplicate
	faultDepth
	faultTrailing
	faultLines
	faultLength
	faultTime
	faultTimeCase
	faultTimeZone
	faultTimeLeap
	faultTimeDigits
	faultTimeDate
	faultTimeEarly
	faultTimeAhead
)

// faults holds the reason and the text of each fault.
var faults = [...]struct{ reason, detail string }{
	faultEmpty:      {ReasonEmpty, "the value is empty; send one event, a JSON object"},
	faultTooLarge:   {ReasonTooLarge, "the value is larger than 65,536 bytes; send less in one event"},
	faultEnd:        {ReasonSyntax, "the JSON ends too early; send the whole object"},
	faultByte:       {ReasonSyntax, "no JSON value begins here"},
	faultName:       {ReasonSyntax, "a member's name in double quotes is expected here"},
	faultColon:      {ReasonSyntax, "a colon is expected here, after the member's name"},
	faultComma:      {ReasonSyntax, "a comma or the closing bracket is expected here"},
	faultControl:    {ReasonSyntax, `a control character stands in a string; write it as an escape such as \n or \u0000`},
	faultEscape:     {ReasonSyntax, `an escape that JSON does not know; write the backslash itself as \\`},
	faultNumber:     {ReasonSyntax, "a number is not written as JSON has it; no leading zero or plus, and digits on both sides of a point"},
	faultUTF8:       {ReasonUTF8, "not valid UTF-8; encode texts as UTF-8"},
	faultSurrogate:  {ReasonSurrogate, `half of a surrogate pair; write both halves, as in \ud83d\ude00, or the character itself`},
	faultDuplicate:  {ReasonDuplicate, "given twice; send it once"},
	faultDepth:      {ReasonDepth, "nested deeper than 64 levels; send a flatter object"},
	faultTrailing:   {ReasonTrailing, "something follows the object; send one event in a record"},
	faultLines:      {ReasonLines, "another object follows on a line of its own, as NDJSON has it; send one event in a record"},
	faultLength:     {ReasonOutOfRange, ""}, // refused says more
	faultTime:       {ReasonTime, "not an RFC 3339 time such as 2026-11-22T10:00:03Z"},
	faultTimeCase:   {ReasonTime, "T and Z in a time must be upper case, as in 2026-11-22T10:00:03Z"},
	faultTimeZone:   {ReasonTime, "a time must end in Z or in a zone such as +08:00"},
	faultTimeLeap:   {ReasonTime, "a leap second is not accepted; send second 59"},
	faultTimeDigits: {ReasonTime, "a time must have 1 to 9 digits after its point"},
	faultTimeDate:   {ReasonTime, "no such day or hour; send a date and a time that exist"},
	faultTimeEarly:  {ReasonOutOfRange, "a time must lie in the years 1678 to 2261, in UTC"},
	faultTimeAhead:  {ReasonAhead, "a time after 2261 is ahead of every clock; correct the producer's"},
}

// at makes an error of the fault. The name is that of the known member, or "".
func (f fault) at(name string, offset int) *Malformed {
	if f == fine {
		panic("BUG: an error is made of no fault")
	}
	return &Malformed{faults[f].reason, name, offset, faults[f].detail}
}
