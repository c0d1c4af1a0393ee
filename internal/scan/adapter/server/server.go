package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/vulndb"
	"github.com/havenregistry/haven/internal/secret"
)

// Deps is what a Server needs.
type Deps struct {
	Engine   confined.Engine
	Editions vulndb.Store
	// Auth is how registries make themselves known, with the credential that they must have.
	Auth       adapter.Auth
	Credential secret.Text
	// Elsewhere is where registries may lead to from their own address: the storage behind them.
	Elsewhere outbound.Reach
	Workers   int // scans at once; 0: 2
	Queue     int // scans that wait; 0: 100
	Clock     func() time.Time
	Log       *slog.Logger
}

const (
	usualWorkers = 2
	usualQueue   = 100
	// maxRequest bounds the body of a request.
	maxRequest = 64 << 10
	// refreshAfter is how soon a registry should ask again, in seconds.
	refreshAfter = 5
)

// Server is the scanner. It is safe for concurrent use.
type Server struct {
	Deps
	registries *registries
	scans      *scans
	layers     *layers
	metadata   func(context.Context) (adapter.Metadata, error)
	expected   [sha256.Size]byte // hash of the header that a registry must send
}

// New returns a Server. Run has it scan.
func New(d Deps) *Server {
	if d.Workers <= 0 {
		d.Workers = usualWorkers
	}
	if d.Queue <= 0 {
		d.Queue = usualQueue
	}
	s := &Server{Deps: d, registries: newRegistries(d.Elsewhere), scans: newScans(d.Queue, d.Clock), layers: newLayers()}
	s.metadata = adapter.Own(func(ctx context.Context) (updated, next time.Time, err error) {
		e, err := d.Editions.Current(ctx)
		if errors.Is(err, vulndb.ErrNone) {
			return updated, next, nil
		}
		return e.UpdatedAt, e.NextUpdate, err
	})
	s.expected = sha256.Sum256([]byte(header(d.Auth, d.Credential)))
	return s
}

// header is the value of the header that carries the credential.
func header(auth adapter.Auth, credential secret.Text) string {
	switch auth {
	case adapter.Basic:
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(credential.Reveal()))
	case adapter.Bearer:
		return "Bearer " + credential.Reveal()
	}
	return credential.Reveal()
}

// Handler answers the adapter API and the probes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /probe/healthy", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /probe/ready", s.ready)
	mux.Handle("GET /api/v1/metadata", s.known(s.getMetadata))
	mux.Handle("POST /api/v1/scan", s.known(s.postScan))
	mux.Handle("GET /api/v1/scan/{id}/report", s.known(s.getReport))
	return mux
}

// ready is whether a scan could find anything.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if _, err := s.Editions.Current(r.Context()); err != nil {
		s.Log.WarnContext(r.Context(), "not ready", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// known lets those in who have the credential.
func (s *Server) known(next func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		err := errUnauthorized
		if s.isKnown(r) {
			err = next(w, r)
		}
		if err != nil {
			s.refuse(w, r, err)
		}
	})
}

func (s *Server) isKnown(r *http.Request) bool {
	if s.Auth == adapter.NoAuth {
		return true
	}
	name := "Authorization"
	if s.Auth == adapter.APIKey {
		name = string(adapter.APIKey)
	}
	sent := sha256.Sum256([]byte(r.Header.Get(name)))
	return subtle.ConstantTimeCompare(sent[:], s.expected[:]) == 1 && s.Credential != ""
}

func (s *Server) getMetadata(w http.ResponseWriter, r *http.Request) error {
	m, err := s.metadata(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, adapter.MetadataType, m)
}

func (s *Server) postScan(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return &refusal{http.StatusBadRequest, "the request is too large, or broke off"}
	}
	var request adapter.ScanRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return &refusal{http.StatusBadRequest, "the request is no JSON of a scan request"}
	}
	j, err := newOrder(request)
	if err != nil {
		return err
	}
	id, err := s.scans.add(j)
	if err != nil {
		return err
	}
	s.Log.InfoContext(r.Context(), "a scan waits", "id", id, "registry", request.Registry.URL, "repository", request.Artifact.Repository, "digest", request.Artifact.Digest)
	return answer(w, http.StatusAccepted, adapter.ResponseType, adapter.ScanResponse{ID: id})
}

func (s *Server) getReport(w http.ResponseWriter, r *http.Request) error {
	kind, err := kindOf(r.Header.Get("Accept"), r.URL.Query().Get("sbom_media_type"))
	if err != nil {
		return err
	}
	text, done, err := s.scans.report(r.PathValue("id"), kind)
	if err != nil {
		return err
	}
	if !done {
		w.Header().Set("Location", r.URL.RequestURI())
		w.Header().Set("Refresh-After", strconv.Itoa(refreshAfter))
		w.WriteHeader(http.StatusFound)
		return nil
	}
	w.Header().Set("Content-Type", kind.mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Write(text)
	return nil
}

// kind is what a registry wants to read of a scan.
type kind struct {
	mediaType string // of the report
	sbom      string // of the SBOM in it
}

// kindOf reads the headers of a poll. Without an Accept it is the report of vulnerabilities, the older form as well:
// ours has all of both.
func kindOf(accept, sbom string) (kind, error) {
	if accept == "" || accept == "*/*" {
		return kind{mediaType: adapter.VulnerabilityReport}, nil
	}
	for _, known := range []string{adapter.VulnerabilityReport, adapter.NativeReport, adapter.SBOMReport} {
		if !sameMediaType(accept, known) {
			continue
		}
		k := kind{mediaType: known}
		if known == adapter.SBOMReport {
			if k.sbom = sbom; sbom == "" {
				k.sbom = adapter.SPDX
			}
		}
		return k, nil
	}
	return kind{}, &refusal{http.StatusUnsupportedMediaType, "there is no report of this media type"}
}

func sameMediaType(a, b string) bool {
	ta, pa, errA := mime.ParseMediaType(a)
	tb, pb, errB := mime.ParseMediaType(b)
	return errA == nil && errB == nil && ta == tb && (pa["version"] == "" || pa["version"] == pb["version"])
}

// refusal is what a registry is told.
type refusal struct {
	status  int
	message string
}

// Error implements error.
func (r *refusal) Error() string { return r.message }

var errUnauthorized error = &refusal{http.StatusUnauthorized, "unauthorized"}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	told, ok := errors.AsType[*refusal](err)
	if invalid, is := errors.AsType[*fault.Error](err); !ok && is {
		told, ok = &refusal{http.StatusUnprocessableEntity, invalid.Message}, true
	}
	if !ok {
		s.Log.ErrorContext(r.Context(), "a request failed", "path", r.URL.Path, "error", err)
		told = &refusal{http.StatusInternalServerError, "internal error"}
	}
	if told.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "30")
	}
	var body adapter.ErrorBody
	body.Error.Message = told.message
	if err := answer(w, told.status, adapter.ErrorType, body); err != nil {
		s.Log.ErrorContext(r.Context(), "an answer can't be written", "error", err)
	}
}

func answer(w http.ResponseWriter, status int, mediaType string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text)
	return nil
}
