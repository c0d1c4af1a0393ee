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
			a, ok := table[op.OperationID]
			switch {
			case !ok || a.class == undeclared:
				t.Errorf("%s %s (%s) has no access class", method, path, op.OperationID)
			case (a.class == inSystem || a.class == inProject || a.class == ofObject) && (a.perm.Resource == "" || a.perm.Action == ""):
				t.Errorf("%s names no permission", op.OperationID)
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
