package setting

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"

	"github.com/havenregistry/haven/internal/fault"
)

// overwrite is what was set from outside: it holds whatever the table says.
type overwrite struct {
	byName map[string]any
	sealed map[string][]byte
}

func (o overwrite) any() bool { return len(o.byName)+len(o.sealed) > 0 }

// Overwrite sets keys from outside, by a JSON object as clients send it, for as long as this Service lives.
// While there are any, nobody changes the configuration by the API, as with Harbor: what an administrator
// changed there would be gone with the next start of another replica. Call it before the first use. An error is a
// fault.Invalid that names the key.
func (s *Service) Overwrite(object []byte) error {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var sent map[string]any
	if err := d.Decode(&sent); err != nil {
		return fault.Invalidf("expected a JSON object of settings")
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.Invalidf("expected one JSON object of settings")
	}
	parsed, err := s.parse(sent)
	if err != nil {
		return err
	}
	fixed := overwrite{byName: map[string]any{}, sealed: map[string][]byte{}}
	for name, value := range parsed {
		if s.keys[name].secret() {
			fixed.sealed[name] = s.box.Seal([]byte(value.(string)))
		} else {
			fixed.byName[name] = value
		}
	}
	s.fixed = fixed
	return nil
}

// over lays what was set from outside over the table's values.
func (o overwrite) over(v Values) {
	maps.Copy(v.byName, o.byName)
	maps.Copy(v.sealed, o.sealed)
}

// errFixed has Harbor's words.
func errFixed() error {
	return fault.Forbiddenf("current config is init by env variable: CONFIG_OVERWRITE_JSON, it cannot be updated")
}
