package vulndb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// tokenService gives everybody a token, and remembers with which passwords it was asked.
type tokenService struct {
	*httptest.Server
	mu        sync.Mutex
	asked     int
	passwords []string
}

func newTokenService(t *testing.T) *tokenService {
	t.Helper()
	s := &tokenService{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	if _, password, sent := r.BasicAuth(); sent {
		s.passwords = append(s.passwords, password)
	}
	if body := r.FormValue("password"); body != "" {
		s.passwords = append(s.passwords, body)
	}
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]string{"token": "t0ken"})
}

// guardedRegistry serves an edition to whoever has the token, which a realm gives; with "" as realm it gives it itself.
func guardedRegistry(t *testing.T, realm string) (host string, own *tokenService) {
	t.Helper()
	files := registryOf(t, 1)
	own = &tokenService{}
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			own.ServeHTTP(w, r)
		case r.Header.Get("Authorization") != "Bearer t0ken":
			at := realm
			if at == "" {
				at = server.URL
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="registry"`, at))
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
		default:
			http.Redirect(w, r, files+r.URL.Path, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), own
}

// A registry names any address as the one that gives tokens. The password goes there only when the operator says so.
func TestThePasswordStaysWithItsRegistry(t *testing.T) {
	const password = "canary"
	elsewhere := newTokenService(t)
	refresh := func(source string) error {
		s := newRefreshing(t, outbound.Purpose{Reach: outbound.Administered(), Elsewhere: outbound.Administered(), Redirects: 5, MaxBody: 1 << 30}, source)
		_, _, err := s.Refresh(t.Context(), "somebody", quiet)
		return err
	}
	t.Run("its own origin", func(t *testing.T) {
		host, own := guardedRegistry(t, "")
		ok(t, refresh("oci://user:"+password+"@"+host+"/aquasec/trivy-db:2"))
		if len(own.passwords) == 0 || own.passwords[0] != password {
			t.Errorf("its own token service got %q", own.passwords)
		}
	})
	host, _ := guardedRegistry(t, elsewhere.URL)
	t.Run("another one", func(t *testing.T) {
		err := refresh("oci://user:" + password + "@" + host + "/aquasec/trivy-db:2")
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "add ?realm="+elsewhere.URL) || strings.Contains(err.Error(), password) {
			t.Errorf("got %v", err)
		}
		if elsewhere.asked > 0 {
			t.Errorf("the other address was asked %d times, with the passwords %q", elsewhere.asked, elsewhere.passwords)
		}
	})
	t.Run("another one, without a password", func(t *testing.T) {
		ok(t, refresh("oci://"+host+"/aquasec/trivy-db:2"))
		if elsewhere.asked == 0 || len(elsewhere.passwords) > 0 {
			t.Errorf("it was asked %d times, with the passwords %q", elsewhere.asked, elsewhere.passwords)
		}
	})
	t.Run("the one that the operator names", func(t *testing.T) {
		ok(t, refresh("oci://user:"+password+"@"+host+"/aquasec/trivy-db:2?realm="+elsewhere.URL))
		if len(elsewhere.passwords) == 0 || elsewhere.passwords[0] != password {
			t.Errorf("it got %q", elsewhere.passwords)
		}
	})
	t.Run("a third one", func(t *testing.T) {
		third := newTokenService(t)
		if err := refresh("oci://user:" + password + "@" + host + "/aquasec/trivy-db:2?realm=" + third.URL); !errors.Is(err, fault.Invalid) || third.asked > 0 {
			t.Errorf("got %v", err)
		}
	})
}

// A registry can't have this machine ask what only it can reach.
func TestATokenServiceOutOfReach(t *testing.T) {
	elsewhere := newTokenService(t)
	host, _ := guardedRegistry(t, elsewhere.URL)
	s := newRefreshing(t, outbound.Purpose{Reach: outbound.Administered(), MaxBody: 1 << 30}, "oci://"+host+"/aquasec/trivy-db:2")
	if _, _, err := s.Refresh(t.Context(), "somebody", quiet); !errors.Is(err, outbound.ErrAddress) || elsewhere.asked > 0 {
		t.Errorf("got %v, asked %d times", err, elsewhere.asked)
	}
}

// newRefreshing asks one source, as the registry does.
func newRefreshing(t *testing.T, purpose outbound.Purpose, text string) *vulndb.Service {
	t.Helper()
	source, err := vulndb.ParseSource(text)
	ok(t, err)
	client, err := outbound.New(purpose).HTTP(outbound.Trust{})
	ok(t, err)
	w := newWorld(t, dbtest.SQLite(t))
	return vulndb.New(vulndb.Deps{
		DB: w.db, Records: w.store, Verifier: confined.New(confined.Options{TempDir: t.TempDir()}), Client: client, Sources: []vulndb.Source{source},
		Dir: filepath.Join(t.TempDir(), "vulndb"), Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	})
}
