package harborapi

import (
	"testing"

	"github.com/havenregistry/haven/internal/harborapi/gen"
)

// Every operation of the contract says who may use it, and nothing else is in the table.
func TestEveryOperationDeclaresItsAccess(t *testing.T) {
	doc, err := gen.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	table, seen := accesses(), map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if a := table[op.OperationID]; !a.Declared() {
				t.Errorf("%s %s (%s) has no access class, or names no permission", method, path, op.OperationID)
			}
			seen[op.OperationID] = true
		}
	}
	for name := range table {
		if !seen[name] {
			t.Errorf("%s is in the table but not in the contract", name)
		}
	}
}
