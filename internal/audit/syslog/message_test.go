package syslog

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var when = time.Date(2026, 1, 2, 3, 4, 5, 6789000, time.FixedZone("", 3600))

func TestMessages(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Message
		want string
	}{
		{"plain", Message{At: when, Severity: Information, Host: "reg.example.com", App: "haven", Kind: "pull_artifact", DataID: "haven@32473",
			Fields: []Field{{"id", "7"}, {"user", "ann"}}, Text: "pull artifact: p/r@sha256:00"},
			`<110>1 2026-01-02T02:04:05.006789Z reg.example.com haven - pull_artifact [haven@32473 id="7" user="ann"] pull artifact: p/r@sha256:00`},
		{"nothing given", Message{At: when, Severity: Warning}, `<108>1 2026-01-02T02:04:05.006789Z - - - - [-]`},
		{"a value can't end the data", Message{At: when, Severity: Warning, DataID: "d", Fields: []Field{{"user", `a"] \ ok`}}, Text: "x"},
			`<108>1 2026-01-02T02:04:05.006789Z - - - - [d user="a\"\] \\ ok"] x`},
		{"nothing begins a record", Message{At: when, Severity: Warning, DataID: "d", Host: "a b", Kind: "x\n<1>", Fields: []Field{{"u", "a\n<110>1 fake\x00\u2028\u202e"}}, Text: "b\r\n<110>1"},
			`<108>1 2026-01-02T02:04:05.006789Z a?b - - x?<1> [d u="a?<110>1 fake???"] b??<110>1`},
		{"other letters stay, broken ones go", Message{At: when, Severity: Warning, DataID: "d", Fields: []Field{{"u", "Zoë 東\xff"}}},
			`<108>1 2026-01-02T02:04:05.006789Z - - - - [d u="Zoë 東?"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(c.m.AppendTo(nil))
			if want := fmt.Sprintf("%d %s", len(c.want), c.want); got != want {
				t.Errorf("got\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestMessagesAreShort(t *testing.T) {
	long := strings.Repeat("東", 4000)
	m := Message{At: when, Host: long, App: long, Kind: long, DataID: long, Fields: []Field{{long, long}, {"b", long}, {"c", long}, {"d", long}}, Text: long}
	if n := len(m.AppendTo(nil)); n > 8192 {
		t.Errorf("the message has %d bytes", n)
	}
}

// Whatever a message holds, the frame is one line of valid text, has the length that it says, and its structured
// data ends where a reader takes it to end.
func FuzzMessage(f *testing.F) {
	f.Add("ann", "p/r:v1", "pull")
	f.Add("a\"]\\", "\n<1>1", "\x00\xff\u2028")
	f.Fuzz(func(t *testing.T, user, resource, text string) {
		m := Message{At: when, Host: user, App: "haven", Kind: resource, DataID: "d", Fields: []Field{{"user", user}, {"resource", resource}}, Text: text}
		frame := m.AppendTo([]byte("before"))[len("before"):]
		length, body, found := bytes.Cut(frame, []byte(" "))
		if n, err := strconv.Atoi(string(length)); !found || err != nil || n != len(body) {
			t.Fatalf("the frame %q", frame)
		}
		if !utf8.Valid(body) || bytes.ContainsFunc(body, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 }) {
			t.Fatalf("the message %q", body)
		}
		if values := valuesOf(t, string(body)); len(values) != 2 {
			t.Fatalf("the values %q of %q", values, body)
		}
	})
}

// valuesOf reads the structured data as RFC 5424 says.
func valuesOf(t *testing.T, body string) (values []string) {
	words := strings.SplitN(body, " ", 7)
	data, found := strings.CutPrefix(words[6], "[d")
	if len(words) != 7 || !found {
		t.Fatalf("no structured data in %q", body)
	}
	for {
		if strings.HasPrefix(data, "]") {
			return values
		}
		_, rest, found := strings.Cut(data, `="`)
		if !found {
			t.Fatalf("the structured data %q", data)
		}
		end := 0
		for ; rest[end] != '"'; end++ {
			if rest[end] == ']' {
				t.Fatalf("a bare ] in %q", rest)
			}
			if rest[end] == '\\' {
				end++
			}
		}
		values, data = append(values, rest[:end]), rest[end+1:]
	}
}
