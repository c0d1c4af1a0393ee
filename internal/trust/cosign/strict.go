package cosign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fields reads a JSON object strictly: names count exactly as they are written, none stands twice, and nothing follows. encoding/json
// would take the last of two and ignore case, so that two readers could understand one signed document differently.
func fields(document []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(document) {
		return nil, errors.New("isn't UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(document))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("isn't a JSON object")
	}
	found := make(map[string]json.RawMessage)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("isn't JSON: %w", err)
		}
		name, is := t.(string)
		if !is {
			return nil, errors.New("isn't a JSON object")
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("has the field %q twice", shown(name))
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("isn't JSON: %w", err)
		}
		found[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("isn't JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("is more than one JSON value")
	}
	return found, nil
}

// within reads the objects that path leads through.
func within(document []byte, path ...string) (map[string]json.RawMessage, error) {
	found, err := fields(document)
	for _, name := range path {
		if err != nil {
			return nil, err
		}
		if found, err = fields(found[name]); err != nil {
			err = fmt.Errorf("has a %s that %w", name, err)
		}
	}
	return found, err
}

// text reads a string; "" for anything else.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// unbase64 reads either alphabet, as the DSSE specification wants.
func unbase64(s string) ([]byte, error) {
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return b, nil
	}
	b, err := base64.URLEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("isn't base64")
	}
	return b, nil
}

// shown bounds what a reason repeats of a stranger's words, and takes out what would do something to a terminal.
func shown(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s[:min(len(s), 4*most)])
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
