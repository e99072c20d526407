package event

import (
	"fmt"
	"strings"
	"testing"
)

func TestDecodeIntegers(t *testing.T) {
	f := func(name, number string, want int64) {
		t.Helper()
		accepted(t, complete(`,"`+name+`":`+number), base(fmt.Sprintf(" %s=%d", name, want)))
	}
	f("count", "1", 1)
	f("count", "1000000000000", 1e12)
	for _, name := range []string{"members", "followers", "records"} {
		f(name, "0", 0)
		f(name, "1000000000000", 1e12)
	}
	f("amount", "0", 0)
	f("amount", "1000000000000000", 1e15)
	f("amount", " 7 ", 7)
}

func TestDecodeIntegersOutOfRange(t *testing.T) {
	f := func(name, number, shown string) {
		t.Helper()
		m := memberOf([]byte(name))
		message := fmt.Sprintf("%s: %s is not %s (byte %d)", name, shown, m.want(), completeAt+len(name)+4)
		refusedWith(t, complete(`,"`+name+`":`+number), ReasonOutOfRange, message)
	}
	f("count", "0", "0")
	f("count", "1000000000001", "1000000000001")
	for _, name := range []string{"members", "followers", "records"} {
		f(name, "1000000000001", "1000000000001")
	}
	f("amount", "1000000000000001", "1000000000000001")
	f("amount", "9223372036854775808", "9223372036854775808")
	f("amount", "18446744073709551617", "18446744073709551617") // 1 in 64 bits
	f("amount", strings.Repeat("9", 25), "a number of 25 characters")
	f("amount", strings.Repeat("9", 20000), "a number of 20,000 characters")
}

func TestDecodeNotIntegers(t *testing.T) {
	f := func(number, shown string) {
		t.Helper()
		refusedWith(t, complete(`,"count":`+number), ReasonWrongType,
			fmt.Sprintf("count: %s is not an integer from 1 to 1,000,000,000,000 (byte 65)", shown))
	}
	f("1.5", "1.5")
	f("1.0", "1.0")
	f("1e3", "1e3")
	f("1E+3", "1E+3")
	f("10e-1", "10e-1")
	f("-1", "-1")
	f("-0", "-0")
	f("0.0", "0.0")
	f("1."+strings.Repeat("0", 1000), "a number of 1,002 characters")
}

func TestDecodeBadNumbers(t *testing.T) {
	f := func(number string, at int) {
		t.Helper()
		const message = "a number is not written as JSON has it; no leading zero or plus, and digits on both sides of a point (byte %d)"
		refusedWith(t, complete(`,"count":`+number), ReasonSyntax, "count: "+fmt.Sprintf(message, completeAt+len(`,"count":`)+at))
		refusedWith(t, complete(`,"a":`+number), ReasonSyntax, fmt.Sprintf(message, completeAt+len(`,"a":`)+at))
	}
	f("01", 0)
	f("00", 0)
	f("-01", 1)
	f("-", 1)
	f("-x", 1)
	f("1.", 2)
	f("1.e3", 2)
	f("1e", 2)
	f("1e+", 3)
	f("1.5E-", 5)
	// what does not even begin like a number
	refusedWith(t, complete(`,"count":+1`), ReasonSyntax, "count: no JSON value begins here (byte 65)")
	refusedWith(t, complete(`,"count":.5`), ReasonSyntax, "count: no JSON value begins here (byte 65)")
	// what goes on after a number
	refusedWith(t, complete(`,"count":1x`), ReasonSyntax, "a comma or the closing bracket is expected here (byte 66)")
	refusedWith(t, complete(`,"count":0x1`), ReasonOutOfRange, "count: 0 is not an integer from 1 to 1,000,000,000,000 (byte 65)")
}

func TestDecodeUnknownNumbers(t *testing.T) {
	for _, number := range []string{"0", "-0", "0.0", "-1.5E+30", "1e5", "1E-05", "123456789012345678901234567890"} {
		accepted(t, complete(`,"a":`+number+`,"b":[`+number+`]`), base(""))
	}
}
