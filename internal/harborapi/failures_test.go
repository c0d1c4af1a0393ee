package harborapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/rest"
)

func TestFailures(t *testing.T) {
	f := &rest.Frame{Log: slog.New(slog.DiscardHandler), Failures: failures()}
	for _, c := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"project not empty", fmt.Errorf("delete: %w", project.ErrNotEmpty), 412, `{"errors":[{"code":"PRECONDITION","message":"precondition failed: the project contains repositories, can not be deleted"}]}`},
		{"child of an index", registry.ErrReferenced, 412, `{"errors":[{"code":"VIOLATE_FOREIGN_KEY_CONSTRAINT","message":"the deleting artifact is referenced by others"}]}`},
		{"over the quota", &registry.QuotaError{}, 403, `{"errors":[{"code":"DENIED","message":"` + (&registry.QuotaError{}).Error() + `"}]}`},
		{"unknown", errors.New("disk on fire"), 500, `{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}`},
	} {
		w := httptest.NewRecorder()
		f.Fail(w, httptest.NewRequest(http.MethodGet, "/api/v2.0/x", nil), c.err)
		if w.Code != c.status || w.Body.String() != c.body+"\n" {
			t.Errorf("%s: %d %s; want %d %s", c.name, w.Code, w.Body, c.status, c.body)
		}
	}
}
