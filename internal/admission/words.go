package admission

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes text of others fit for answers, logs and terminals: no control characters, nothing that turns the direction
// of writing, and at most so many bytes.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	return shorten(strings.TrimSpace(text), most)
}

const ellipsis = "…"

// shorten cuts text at the end of a character.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := max(most-len(ellipsis), 0)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + ellipsis
}

// list joins the first of some texts, and says how many more there are.
func list(texts []string, most int) string {
	if len(texts) <= most {
		return strings.Join(texts, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(texts[:most], "; "), len(texts)-most)
}
