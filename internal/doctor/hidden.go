package doctor

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"

	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/secret"
)

// leastSecret is how long a text must be to be looked for: a shorter one stands in other words too.
const leastSecret = 4

// Secrets are the texts of a configuration that no finding may show: all settings that are secret texts, and what is secret in an address, in
// NAME=VALUE, and in a JSON object.
func Secrets(c config.Config) []string {
	h := &hidden{}
	h.address(c.DatabaseURL)
	h.address(c.StorageURL)
	settings := reflect.ValueOf(c)
	for i := range settings.NumField() {
		switch value := settings.Field(i).Interface().(type) {
		case secret.Text:
			h.text(value.Reveal())
		case []secret.Text:
			for _, one := range value {
				h.text(one.Reveal())
			}
		}
	}
	return h.all
}

type hidden struct{ all []string }

func (h *hidden) add(s string) {
	if len(s) < leastSecret {
		return
	}
	h.all = append(h.all, s)
	if escaped := url.QueryEscape(s); escaped != s {
		h.all = append(h.all, escaped)
	}
}

// text adds what is secret in a secret setting. An address isn't as a whole: findings name the host that doesn't answer.
func (h *hidden) text(s string) {
	var object map[string]any
	if json.Unmarshal([]byte(s), &object) == nil {
		for name, value := range object {
			if text, ok := value.(string); ok && secretive(name) {
				h.add(text)
			}
		}
		return
	}
	if strings.Contains(s, "://") {
		h.address(s)
		return
	}
	h.add(s)
	if _, value, named := strings.Cut(s, "="); named {
		h.add(strings.TrimSpace(value))
	}
}

func (h *hidden) address(raw string) {
	u, err := url.Parse(raw)
	if err != nil {
		h.add(raw)
		return
	}
	password, _ := u.User.Password()
	h.add(password)
	for name, values := range u.Query() {
		for _, v := range values {
			if secretive(name) {
				h.add(v)
			}
		}
	}
}

func secretive(parameter string) bool {
	for _, part := range []string{"key", "token", "secret", "password"} {
		if strings.Contains(parameter, part) {
			return !strings.HasSuffix(parameter, "_file")
		}
	}
	return false
}
