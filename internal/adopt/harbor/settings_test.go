package harbor

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
)

func TestParametersOfASchedule(t *testing.T) {
	for _, c := range []struct {
		name, parameters, extra string
		want                    any // of delete_untagged
		refused                 bool
	}{
		{"none", "", "", nil, false},
		{"as Harbor keeps them", `{"extra_attrs":{"delete_untagged":true}}`, `{}`, true, false},
		{"no JSON", `{"extra_attrs":`, "", nil, true},
		{"no JSON besides", `{}`, `[1]`, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			told, err := scheduleRow{Parameters: c.parameters, Extra: json.RawMessage(c.extra)}.told()
			if (err != nil) != c.refused || err != nil && !errors.Is(err, fault.Invalid) || told["delete_untagged"] != c.want {
				t.Errorf("got %v, %v", told, err)
			}
		})
	}
}
