package harborapi

import (
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/harborapi/gen"
)

func TestWritableOperationsAreInTheContract(t *testing.T) {
	contract, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range writable() {
		method, path, _ := strings.Cut(operation, " ")
		if item := contract.Paths.Value(path); item == nil || item.GetOperation(method) == nil {
			t.Errorf("there is no %s", operation)
		}
	}
}
