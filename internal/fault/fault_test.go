package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
)

func TestFaults(t *testing.T) {
	kinds := []fault.Kind{fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict}
	for i, err := range []error{fault.Invalidf("%s 7", "x"), fault.Forbiddenf("%s 7", "x"), fault.NotFoundf("%s 7", "x"), fault.Conflictf("%s 7", "x")} {
		wrapped := fmt.Errorf("do: %w", err)
		for j, kind := range kinds {
			if errors.Is(wrapped, kind) != (i == j) {
				t.Errorf("%v is %s: %v", wrapped, kind, i != j)
			}
		}
		if e, ok := errors.AsType[*fault.Error](wrapped); !ok || e.Kind != kinds[i] || e.Message != "x 7" || wrapped.Error() != "do: x 7" {
			t.Errorf("got %+v of %v", e, wrapped)
		}
	}
}
