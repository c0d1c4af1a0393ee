// Package trace reads what strace wrote about a program's system calls, with these
// options: -f -qq -xx -X raw -s LONG -e signal=none. Strings are exact bytes.
package trace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Call is one system call. Enter and Exit are the numbers of the lines that tell of its
// begin and its end; what another thread did between may have come first or last.
type Call struct {
	Enter, Exit int
	Thread      int
	Name        string
	Args        []Arg
	Result      int64 // -1 with an error
	Failed      bool
}

// Arg is a number, a string, or for anything else the strings found in it, in order, and its field flags.
type Arg struct {
	Number  int64
	Text    []byte
	IsText  bool
	Strings [][]byte // of an iovec
}

// maxLine bounds a line: the longest write, four characters a byte, and some more.
const maxLine = 64 << 20

// Unended is the Exit of a call that the program's end cut off.
const Unended = int(^uint(0) >> 1)

// Read returns all calls, ordered by their begin.
func Read(r io.Reader) ([]*Call, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	var calls []*Call
	open := map[int]*Call{}   // by thread, those that have not ended
	begun := map[int]string{} // what was told of them so far
	for n := 1; lines.Scan(); n++ {
		thread, text, err := splitThread(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if strings.HasPrefix(text, "+++") || strings.HasPrefix(text, "---") {
			continue
		}
		if rest, resumed := strings.CutPrefix(text, "<... "); resumed {
			call := open[thread]
			_, rest, found := strings.Cut(rest, " resumed>")
			if call == nil || !found {
				return nil, fmt.Errorf("line %d: the end of a call that has not begun", n)
			}
			call.Exit = n
			if err := call.parse(begun[thread] + rest); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			delete(open, thread)
			continue
		}
		call := &Call{Enter: n, Exit: n, Thread: thread}
		calls = append(calls, call)
		if head, unfinished := strings.CutSuffix(text, " <unfinished ...>"); unfinished {
			call.Exit = Unended
			call.Name, _, _ = strings.Cut(head, "(")
			if err := call.parseArgs(head); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			open[thread], begun[thread] = call, head
			continue
		}
		if err := call.parse(text); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return calls, lines.Err()
}

func splitThread(line string) (int, string, error) {
	id, text, found := strings.Cut(line, " ")
	thread, err := strconv.Atoi(id)
	if !found || err != nil {
		return 0, "", fmt.Errorf("no thread in %.80q", line)
	}
	return thread, strings.TrimLeft(text, " "), nil
}

// parse reads `name(args) = result ...`.
func (c *Call) parse(text string) error {
	at := strings.LastIndex(text, ") ")
	if at < 0 {
		return fmt.Errorf("no end in %.80q", text)
	}
	_, result, found := strings.Cut(text[at:], "= ")
	if !found {
		return fmt.Errorf("no result in %.80q", text[at:])
	}
	word, _, _ := strings.Cut(result, " ")
	if word == "?" { // the process ended inside
		c.Exit = Unended
		return c.parseArgs(text[:at])
	}
	n, err := strconv.ParseInt(word, 0, 64)
	if err != nil {
		// An address of mmap may have its highest bit set.
		u, uerr := strconv.ParseUint(word, 0, 64)
		if uerr != nil {
			return fmt.Errorf("result %q", word)
		}
		n = int64(u)
	}
	c.Result, c.Failed = n, n == -1
	return c.parseArgs(text[:at])
}

func (c *Call) parseArgs(text string) error {
	name, rest, found := strings.Cut(text, "(")
	if !found {
		return fmt.Errorf("no arguments in %.80q", text)
	}
	c.Name, c.Args = name, nil
	for rest = strings.TrimLeft(rest, " ,"); rest != ""; rest = strings.TrimLeft(rest, " ,") {
		arg, tail, err := nextArg(rest)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.Args, rest = append(c.Args, arg), tail
	}
	return nil
}

// nextArg takes one argument off the text.
func nextArg(text string) (Arg, string, error) {
	switch text[0] {
	case '"':
		b, rest, err := quoted(text)
		return Arg{Text: b, IsText: true}, rest, err
	case '[', '{':
		return group(text)
	}
	end := strings.IndexAny(text, ",) ")
	if end < 0 {
		end = len(text)
	}
	word := text[:end]
	// A comment may follow: 0x8000 /* O_... */, and of a pair the rest: 0 or NULL.
	n, err := strconv.ParseInt(word, 0, 64)
	if err != nil {
		if u, uerr := strconv.ParseUint(word, 0, 64); uerr == nil {
			n = int64(u)
		}
	}
	rest := text[end:]
	if comma := strings.IndexByte(rest, ','); comma > 0 {
		rest = rest[comma:]
	} else if comma < 0 {
		rest = ""
	}
	return Arg{Number: n}, rest, nil
}

// group takes a bracketed argument off the text, with all strings in it and the flags.
func group(text string) (Arg, string, error) {
	var a Arg
	depth := 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
			if depth == 0 {
				if _, flags, found := strings.Cut(text[:i], "flags="); found {
					flags, _, _ = strings.Cut(flags, ",")
					a.Number, _ = strconv.ParseInt(flags, 0, 64)
				}
				return a, text[i+1:], nil
			}
		case '"':
			b, rest, err := quoted(text[i:])
			if err != nil {
				return a, "", err
			}
			a.Strings = append(a.Strings, b)
			i = len(text) - len(rest)
			continue
		}
		i++
	}
	return a, "", errors.New("a bracket without its end")
}

// quoted takes a string off the text: "\x61\x62". One that strace cut short, which ends
// in dots, is an error: bytes are missing.
func quoted(text string) ([]byte, string, error) {
	end := strings.IndexByte(text[1:], '"')
	if end < 0 {
		return nil, "", errors.New("a string without its end")
	}
	hex, rest := text[1:1+end], text[end+2:]
	if strings.HasPrefix(rest, "...") {
		return nil, "", errors.New("a string that was cut short")
	}
	if len(hex)%4 != 0 {
		return nil, "", fmt.Errorf("a string in another spelling: %.40q", hex)
	}
	b := make([]byte, len(hex)/4)
	for i := range b {
		hi, lo := digit(hex[4*i+2]), digit(hex[4*i+3])
		if hi > 15 || lo > 15 || hex[4*i] != '\\' || hex[4*i+1] != 'x' {
			return nil, "", fmt.Errorf("a string in another spelling: %.40q", hex)
		}
		b[i] = hi<<4 | lo
	}
	return b, rest, nil
}

func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
