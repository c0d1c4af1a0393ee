package rest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/identity"
)

func TestFail(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"unauthenticated", authz.ErrUnauthenticated, 401, `{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}`},
		{"forbidden", fmt.Errorf("x: %w", authz.ErrForbidden), 403, `{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}`},
		{"forbidden, worded", Saying(authz.ErrForbidden, "%s", "alice"), 403, `{"errors":[{"code":"FORBIDDEN","message":"alice"}]}`},
		{"wrong password", fmt.Errorf("authenticate: %w", identity.ErrCredentials), 401, `{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}`},
		{"user not found", Saying(fmt.Errorf("get user: %w", fault.NotFound), "user %d not found", 7), 404, `{"errors":[{"code":"NOT_FOUND","message":"user 7 not found"}]}`},
		{"duplicate user", fmt.Errorf("create: %w", fault.Conflictf("user %s or email %s already exists", "a", "b")), 409, `{"errors":[{"code":"CONFLICT","message":"user a or email b already exists"}]}`},
		{"old password", identity.ErrOldPassword, 403, `{"errors":[{"code":"FORBIDDEN","message":"Current password is incorrect"}]}`},
		{"project not found", fmt.Errorf("get: %w", fault.NotFoundf("project %s not found", "x")), 404, `{"errors":[{"code":"NOT_FOUND","message":"project x not found"}]}`},
		{"bad filter", fmt.Errorf("list: %w", fmt.Errorf(`%w: id="x", expected a whole number`, db.ErrFilter)), 400, `{"errors":[{"code":"BAD_REQUEST","message":"id=\"x\", expected a whole number"}]}`},
		{"invalid, without words", fmt.Errorf("x: %w", fault.Invalid), 400, `{"errors":[{"code":"BAD_REQUEST","message":"invalid request"}]}`},
		{"not found, without words", fmt.Errorf("x: %w", fault.NotFound), 404, `{"errors":[{"code":"NOT_FOUND","message":"not found"}]}`},
		{"setting refused", fmt.Errorf("x: %w", errors.Join(fault.Invalidf("item name %s", "a"), nil)), 400, `{"errors":[{"code":"BAD_REQUEST","message":"item name a"}]}`},
		{"the database's disk is full", fmt.Errorf("create /var/secret: %w", db.ErrFull), 507, `{"errors":[{"code":"UNKNOWN","message":"the registry's disk is full; ask its administrator to free space"}]}`},
		{"the store's disk is full", fmt.Errorf("write /var/secret: %w", blob.ErrNoSpace), 507, `{"errors":[{"code":"UNKNOWN","message":"the registry's disk is full; ask its administrator to free space"}]}`},
		{"full, worded", Saying(db.ErrFull, "project %s", "x"), 507, `{"errors":[{"code":"UNKNOWN","message":"the registry's disk is full; ask its administrator to free space"}]}`},
		{"read only", errReadOnly, 403, `{"errors":[{"code":"DENIED","message":"The system is in read only mode. Any modification is prohibited."}]}`},
		{"unknown", errors.New("disk on fire at /var/secret"), 500, `{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}`},
		{"unknown, worded", Saying(errors.New("disk"), "project %s", "/var/secret"), 500, `{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			f := &Frame{Log: slog.New(slog.NewTextHandler(&log, nil))}
			w := httptest.NewRecorder()
			f.Fail(w, httptest.NewRequest(http.MethodGet, "/api/v2.0/x", nil), c.err)
			if w.Code != c.status || w.Body.String() != c.body+"\n" {
				t.Errorf("%d %s; want %d %s", w.Code, w.Body, c.status, c.body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
				t.Errorf("content type %q", got)
			}
			if logged := strings.Contains(log.String(), c.err.Error()); logged != (c.status >= 500) {
				t.Errorf("logged: %v, %s", logged, log.String())
			}
		})
	}
}

func TestTooManyAttemptsSaysWhenToComeBack(t *testing.T) {
	f := &Frame{}
	w := httptest.NewRecorder()
	f.Fail(w, httptest.NewRequest(http.MethodGet, "/", nil), identity.ErrTooManyAttempts{RetryAfter: 1500 * time.Millisecond})
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}
