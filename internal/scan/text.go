package scan

import (
	"strings"
	"unicode/utf8"
)

// Bounds of what strangers' packages and vulnerabilities are called and said to be, in bytes.
const (
	maxName   = 512
	maxField  = 1024
	maxProse  = 8 << 10
	maxLinks  = 50
	maxReason = 2000
)

// clean is text that both databases take and a terminal can show, no longer than max bytes.
func clean(text string, max int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	if len(text) <= max {
		return text
	}
	text = text[:max]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}
