// Package syslog writes messages as RFC 5424 lays them out, and delivers them over TCP (RFC 6587, octet counting)
// or TLS (RFC 5425) so that the sender knows what has arrived.
package syslog

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Severity is how grave a message is, RFC 5424 section 6.2.1.
type Severity int

// The severities of a log of deeds.
const (
	Warning     Severity = 4
	Information Severity = 6
)

// logAudit is the facility of audit logs.
const logAudit = 13

// Limits in bytes. The names' are the RFC's; those of values keep a message below the 8 KiB that receivers take.
const (
	maxHost  = 255
	maxName  = 32
	maxValue = 1024
	maxText  = 2048
)

// layout is RFC 5424's time, in UTC.
const layout = "2006-01-02T15:04:05.000000Z"

// Message is one message. Its fields may hold anything: what could end a message or begin another one is
// replaced when it is written.
type Message struct {
	At       time.Time
	Severity Severity
	Host     string // who sends it
	App      string
	Kind     string // MSGID
	DataID   string // SD-ID of Fields
	Fields   []Field
	Text     string
}

// Field is a parameter of the structured data.
type Field struct{ Name, Value string }

// AppendTo appends the message, with its length in bytes and a blank before it as octet counting wants.
func (m Message) AppendTo(b []byte) []byte {
	body := m.body()
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, ' ')
	return append(b, body...)
}

func (m Message) body() []byte {
	var b bytes.Buffer
	b.WriteString("<" + strconv.Itoa(logAudit*8+int(m.Severity)) + ">1 ")
	b.WriteString(m.At.UTC().Format(layout) + " ")
	b.WriteString(name(m.Host, maxHost) + " ")
	b.WriteString(name(m.App, maxName) + " - ")
	b.WriteString(name(m.Kind, maxName) + " [")
	b.WriteString(name(m.DataID, maxName))
	for _, f := range m.Fields {
		b.WriteString(" " + name(f.Name, maxName) + `="` + escapes.Replace(plain(f.Value, maxValue)) + `"`)
	}
	b.WriteString("]")
	if m.Text != "" {
		b.WriteString(" " + plain(m.Text, maxText))
	}
	return b.Bytes()
}

// escapes are those of parameter values, RFC 5424 section 6.3.3.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// name is a word of the header: visible ASCII without what has a meaning in structured data. "-" stands for none.
func name(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '=' || r == ']' || r == '"' {
			return '?'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}

// plain is text on one line, without anything that a terminal or a reader of lines takes for more than text: no
// control characters, no separators of lines, no marks that turn the direction of writing.
func plain(s string, most int) string {
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsPrint(r) && r != utf8.RuneError {
			return r
		}
		return '?'
	}, s)
}
