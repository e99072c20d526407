package event

import "testing"

func TestDecodeEscapes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		accepted(t, complete(`,"group":"`+text+`"`), base(` group=`+want))
	}
	f(`\"\\\/\b\f\n\r\t`, `"\"\\/\b\f\n\r\t"`)
	f(`\u0000\u001F\u007f\u00E9\u4e8b`, `"\x00\x1f\x7fé事"`)
	f(`\ud83d\ude00\uD83D\uDE00`, `"😀😀"`)
	f(`\ufffd`, `"�"`)
	f(`x\u0061y\u0062`, `"xayb"`)
	f(`\\u0061`, `"\\u0061"`)
}

func TestDecodeBadEscapes(t *testing.T) {
	f := func(text, message string) {
		t.Helper()
		refusedWith(t, complete(`,"group":"`+text+`"`), ReasonSyntax, message)
	}
	const escape = `group: an escape that JSON does not know; write the backslash itself as \\ (byte 67)`
	f(`a\x41`, escape)
	f(`a\'`, escape)
	f(`a\N`, escape)
	f(`a\U0041`, escape)
	f(`a\u004`, escape)
	f(`a\u004g`, escape)
	f(`a\u+041`, escape)
	f(`a\u`, escape)
	const control = `group: a control character stands in a string; write it as an escape such as \n or \u0000 (byte 67)`
	f("a\n", control)
	f("a\x00", control)
	f("a\x1f", control)
}

func TestDecodeUTF8(t *testing.T) {
	accepted(t, complete(`,"group":"é事😀￿�"`), base(` group="é事😀\uffff�"`))
	accepted(t, complete(`,"事":"😀"`), base(""))
	f := func(bad string) {
		t.Helper()
		refusedWith(t, complete(`,"group":"ab`+bad+`cd"`), ReasonUTF8, "group: not valid UTF-8; encode texts as UTF-8 (byte 68)")
		refusedWith(t, complete(`,"unknown":"`+bad+`"`), ReasonUTF8, "not valid UTF-8; encode texts as UTF-8 (byte 68)")
		refusedWith(t, complete(`,"`+bad+`":"x"`), ReasonUTF8, "not valid UTF-8; encode texts as UTF-8 (byte 58)")
	}
	f("\x80")             // a continuation without a beginning
	f("\xc3")             // a beginning without its continuation
	f("\xc0\xaf")         // overlong
	f("\xe0\x80\x80")     // overlong
	f("\xed\xa0\x80")     // a surrogate
	f("\xf4\x90\x80\x80") // above U+10FFFF
	f("\xff")
	f("\xe4\xba")
}

func TestDecodeLoneSurrogate(t *testing.T) {
	const half = `half of a surrogate pair; write both halves, as in \ud83d\ude00, or the character itself`
	f := func(text string) {
		t.Helper()
		refusedWith(t, complete(`,"group":"ab`+text+`cd"`), ReasonSurrogate, "group: "+half+" (byte 68)")
		refusedWith(t, complete(`,"`+text+`":1`), ReasonSurrogate, half+" (byte 58)")
		refusedWith(t, complete(`,"a":{"`+text+`":1}`), ReasonSurrogate, half+" (byte 63)")
		refusedWith(t, complete(`,"a":["`+text+`"]`), ReasonSurrogate, half+" (byte 63)")
	}
	f(`\ud83d`)
	f(`\ude00`)
	f(`\ude00\ud83d`)
	f(`\ud83d\ud83d\ude00`)
	f(`\ud83d\u0041`)
	f(`\uD83D\n`)
	f(`\ud83d` + "\u4e8b")
}
