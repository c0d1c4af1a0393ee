package oci

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// decodeStrict reads one JSON object as maps, slices, strings, json.Number, bool and
// nil. Unlike encoding/json alone it refuses invalid UTF-8, an object key that stands
// twice, and nesting or a number of values beyond the limits.
func decodeStrict(content []byte) (map[string]any, error) {
	if !utf8.Valid(content) {
		return nil, invalid("", "not valid UTF-8")
	}
	// The token reader below is not strict about commas; this is, and about
	// trailing data too.
	if !json.Valid(content) {
		return nil, invalid("", "not valid JSON: %v", syntaxError(content))
	}
	d := strictDecoder{json: json.NewDecoder(bytes.NewReader(content))}
	d.json.UseNumber()
	v, fault := d.value(1)
	if fault != nil {
		return nil, fault
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("", "want a JSON object")
	}
	return object, nil
}

func syntaxError(content []byte) error {
	var v json.RawMessage
	return json.Unmarshal(content, &v)
}

type strictDecoder struct {
	json   *json.Decoder
	values int
}

// value reads the next value; depth is 1 for the document. The path of an error is
// put together on the way back, so that a good document pays nothing for it.
func (d *strictDecoder) value(depth int) (any, *ManifestError) {
	if d.values++; d.values > MaxValues {
		return nil, invalid("", "more than %d values", MaxValues)
	}
	token, err := d.json.Token()
	if err != nil {
		return nil, invalid("", "not valid JSON: %v", err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth > MaxDepth {
		return nil, invalid("", "nested more than %d levels deep", MaxDepth)
	}
	if delim == '[' {
		return d.array(depth)
	}
	return d.object(depth)
}

func (d *strictDecoder) object(depth int) (any, *ManifestError) {
	object := map[string]any{}
	for d.json.More() {
		token, err := d.json.Token()
		if err != nil {
			return nil, invalid("", "not valid JSON: %v", err)
		}
		key, ok := token.(string)
		if !ok {
			return nil, invalid("", "want a key")
		}
		if _, twice := object[key]; twice {
			return nil, invalid("", "duplicate key %q", shorten(key))
		}
		v, fault := d.value(depth + 1)
		if fault != nil {
			return nil, fault.below(shorten(key))
		}
		object[key] = v
	}
	return object, d.end()
}

func (d *strictDecoder) array(depth int) (any, *ManifestError) {
	array := []any{}
	for d.json.More() {
		v, fault := d.value(depth + 1)
		if fault != nil {
			return nil, fault.below(element("", len(array)))
		}
		array = append(array, v)
	}
	return array, d.end()
}

// end reads the closing bracket.
func (d *strictDecoder) end() *ManifestError {
	if _, err := d.json.Token(); err != nil {
		return invalid("", "not valid JSON: %v", err)
	}
	return nil
}

// below puts a parent's key or index before the path.
func (e *ManifestError) below(parent string) *ManifestError {
	if e.Path != "" && e.Path[0] != '[' {
		parent += "."
	}
	e.Path = parent + e.Path
	return e
}

func invalid(path, format string, args ...any) *ManifestError {
	return &ManifestError{Path: path, Message: fmt.Sprintf(format, args...), kind: ErrManifestInvalid}
}

// join and element build the paths of error messages.
func join(path, key string) string {
	if path == "" {
		return shorten(key)
	}
	return path + "." + shorten(key)
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
