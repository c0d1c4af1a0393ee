package portal

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/oidc"
	"github.com/havenregistry/haven/internal/setting"
)

// Deps is what the portal stands on.
type Deps struct {
	Identity *identity.Service
	OIDC     *oidc.Service
	Settings *setting.Service
	Guard    *Guard // the one that stands before the API too
	Log      *slog.Logger
}

// New returns the handler of everything that is not /v2/, /api/ or /service/: sign-in under /c/, pages
// elsewhere. It reads the embedded files once, and nothing else.
func New(d Deps) (http.Handler, error) {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the portal's files: %w", err)
	}
	return newHandler(d, files)
}

func newHandler(d Deps, files fs.FS) (http.Handler, error) {
	pages, err := newPages(files)
	if err != nil {
		return nil, err
	}
	signIn := (&signIn{d}).handler()
	return harden(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/c/") {
			signIn.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})), nil
}
