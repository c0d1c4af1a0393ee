package havenapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/havenapi/gen"
)

// Jobs can be stopped and tried again while the registry is read-only; nothing else is changed.
func TestReadOnly(t *testing.T) {
	f := newFixture(t, dbtest.SQLite(t))
	ok(t, f.db.Write(t.Context(), func(tx db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO setting (name, value) VALUES ('read_only', 'true')`)
		return err
	}))
	for path, want := range map[string]int{
		"/jobs/executions/999/stop": http.StatusNotFound, "/jobs/executions/999/retry": http.StatusNotFound, "/jobs/executions/999/stop/": http.StatusNotFound,
		"/jobs/tasks/999/stop": http.StatusNotFound, "/jobs/tasks/999/retry": http.StatusNotFound, "/vulndb/refresh": http.StatusForbidden, "/tokens": http.StatusForbidden,
	} {
		if w := f.do("admin", http.MethodPost, path, "{}"); w.Code != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestWritableOperationsAreInTheContract(t *testing.T) {
	contract, err := gen.GetSpec()
	ok(t, err)
	for _, operation := range writable() {
		method, path, _ := strings.Cut(operation, " ")
		if item := contract.Paths.Value(path); item == nil || item.GetOperation(method) == nil {
			t.Errorf("there is no %s", operation)
		}
	}
}
