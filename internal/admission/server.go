package admission

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/admission/kube"
)

const (
	// maxReview bounds a body: an object of 1.5 MB, twice, and what the API server adds.
	maxReview = 8 << 20
	// maxAtOnce bounds the reviews that are worked on; others wait, within their time.
	maxAtOnce = 64
	// margin is what the API server's time is cut by, for the way there and back: so much or a tenth, what is more.
	margin = 500 * time.Millisecond
)

// endpoint is one of the two questions of an API server.
type endpoint string

const (
	validating endpoint = "validate"
	mutating   endpoint = "mutate"
)

// Certificate is what the server shows: one of package certificate.
type Certificate interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	End() time.Time // zero while there is none
}

// Deps is what a Server is made of.
type Deps struct {
	Policy      *Policy
	Certificate Certificate
	Cluster     *kube.Client // nil: modes are the policy's, and there are no events
	Events      bool
	Clock       func() time.Time
	Log         *slog.Logger
}

// Server answers the reviews of API servers.
type Server struct {
	policy      *Policy
	judge       *judge
	askers      *askers
	modes       *modes
	teller      *teller // nil without events
	figures     *figures
	certificate Certificate
	clock       func() time.Time
	log         *slog.Logger
	slots       chan struct{}
	leaving     atomic.Bool
}

// New builds a server. It asks nobody yet, but reads the files that the policy names.
func New(d Deps) (*Server, error) {
	askers, err := newAskers(d.Policy, d.Clock)
	if err != nil {
		return nil, err
	}
	s := &Server{
		policy: d.Policy, askers: askers, certificate: d.Certificate,
		clock: d.Clock, log: d.Log, slots: make(chan struct{}, maxAtOnce),
	}
	var l labels
	if d.Cluster != nil {
		l = d.Cluster
		if d.Events {
			s.teller = newTeller(d.Cluster, d.Clock, d.Log)
		}
	}
	s.judge = &judge{policy: d.Policy, askers: askers, clock: d.Clock}
	s.modes = newModes(l, d.Policy.Mode, d.Clock, d.Log)
	s.figures = newFigures(askers, s.teller, d.Certificate)
	return s, nil
}

// Run writes events until ctx ends, and returns when nothing that was begun is left.
func (s *Server) Run(ctx context.Context) error {
	defer s.askers.wait()
	if s.teller == nil {
		<-ctx.Done()
		return nil
	}
	return s.teller.run(ctx)
}

// Leave has /readyz say no, so that the cluster sends new reviews elsewhere while those that come are still answered.
func (s *Server) Leave() { s.leaving.Store(true) }

// Handler answers every request of the server's port.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /validate", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, validating) })
	mux.HandleFunc("POST /mutate", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, mutating) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.figures.handler())
	return mux
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	switch end := s.certificate.End(); {
	case s.leaving.Load():
		http.Error(w, "leaving", http.StatusServiceUnavailable)
	case !s.clock().Before(end):
		http.Error(w, "there is no certificate that counts", http.StatusServiceUnavailable)
	default:
		io.WriteString(w, "ok\n")
	}
}

// problem is an error about the request itself, with its HTTP status.
type problem struct {
	code   int
	result result
	words  string
}

func (p *problem) Error() string { return p.words }

func (s *Server) serve(w http.ResponseWriter, r *http.Request, e endpoint) {
	begun := s.clock()
	ctx, cancel := context.WithTimeout(r.Context(), s.time(r))
	defer cancel()
	response, mode, ended, err := s.review(ctx, w, r, e)
	if refused, ok := errors.AsType[*problem](err); ok {
		s.figures.done(e, "", refused.result, s.clock().Sub(begun))
		s.log.WarnContext(ctx, "a request that is no review, or can't be answered in time", "endpoint", string(e), "error", err)
		http.Error(w, refused.words, refused.code)
		return
	}
	body, err := json.Marshal(review{APIVersion: reviewVersion, Kind: reviewKind, Response: response})
	if err != nil { // strings and numbers can always be written
		http.Error(w, "the answer can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
	s.figures.done(e, mode, ended, s.clock().Sub(begun))
}

// time is how long an answer may take: less than the API server waits, which it says in the address.
func (s *Server) time(r *http.Request) time.Duration {
	limit := time.Duration(s.policy.Deadline)
	if theirs, err := time.ParseDuration(r.URL.Query().Get("timeout")); err == nil && theirs > 0 {
		limit = min(limit, theirs-min(max(margin, theirs/10), theirs/2))
	}
	return limit
}

func (s *Server) review(ctx context.Context, w http.ResponseWriter, r *http.Request, e endpoint) (*response, Mode, result, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, "", "", &problem{http.StatusServiceUnavailable, resultBusy, "too many reviews at once"}
	}
	body, err := readReview(w, r)
	if err != nil {
		return nil, "", "", err
	}
	req, err := parseReview(body)
	if err != nil {
		return nil, "", "", &problem{http.StatusBadRequest, resultInvalid, clean(err.Error(), maxReason)}
	}
	uses, err := newUses(req)
	if err == nil && len(uses) == 0 {
		return &response{UID: req.UID, Allowed: true}, "", resultNothing, nil
	}
	mode := s.modes.of(ctx, req.Namespace)
	if mode == Off {
		return &response{UID: req.UID, Allowed: true, AuditAnnotations: map[string]string{"mode": string(Off)}}, mode, resultOff, nil
	}
	if e == mutating {
		response, ended := s.mutate(ctx, req, mode, uses)
		return response, mode, ended, nil
	}
	rulings := map[string]ruling{}
	if err != nil { // as one image that can't be read
		uses = []use{{container: "the object"}}
		rulings[""] = refuse(reasonInvalid, "%s", clean(err.Error(), maxReason))
	} else {
		rulings = s.judge.rule(ctx, req.Namespace, uses, false)
	}
	response, ended := answer(req.UID, mode, uses, rulings)
	s.figures.ruled(uses, rulings)
	s.report(ctx, req, mode, uses, rulings, response)
	return response, mode, ended, nil
}

func readReview(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, &problem{http.StatusUnsupportedMediaType, resultInvalid, "expected application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReview))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &problem{http.StatusRequestEntityTooLarge, resultInvalid, fmt.Sprintf("a review may have %d bytes", maxReview)}
	}
	if err != nil {
		return nil, &problem{http.StatusBadRequest, resultInvalid, "the review can't be read"}
	}
	return body, nil
}

// mutate adds digests. It refuses nothing: what doesn't pass, and what Haven can't be asked about now, stays as it is for
// /validate to decide.
func (s *Server) mutate(ctx context.Context, req *request, mode Mode, uses []use) (*response, result) {
	r := &response{UID: req.UID, Allowed: true, AuditAnnotations: map[string]string{"mode": string(mode)}}
	if mode == Audit || !s.pinsIn(req) {
		return r, resultAllowed
	}
	rulings := s.judge.rule(ctx, req.Namespace, uses, true)
	if err := r.patch(pins(uses, rulings)); err != nil {
		s.log.ErrorContext(ctx, "digests can't be added", "error", err)
	}
	if unsure := findings(uses, rulings, unchecked); len(unsure) > 0 {
		r.note("unchecked", texts(unsure))
		return r, resultUnchecked
	}
	return r, resultAllowed
}

// mirrored marks pods that run already, from a file on their node: their objects must stay as they are.
const mirrored = "kubernetes.io/config.mirror"

func (s *Server) pinsIn(req *request) bool {
	switch s.policy.Pin {
	case PinNone:
		return false
	case PinPods:
		if req.Kind.Kind != "Pod" {
			return false
		}
	}
	var object struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if json.Unmarshal(req.Object, &object) != nil {
		return false
	}
	_, mirror := object.Metadata.Annotations[mirrored]
	return !mirror
}

// report logs what was decided other than plainly allowed, and tells the cluster of refusals.
func (s *Server) report(ctx context.Context, req *request, mode Mode, uses []use, rulings map[string]ruling, r *response) {
	for _, of := range []outcome{refused, unchecked, exempted} {
		found := findings(uses, rulings, of)
		for _, f := range found[:min(len(found), maxTold)] {
			s.log.InfoContext(ctx, "image "+string(of), "namespace", req.Namespace, "kind", req.Kind.Kind, "name", req.Name, "by", clean(req.UserInfo.Username, maxReason),
				"mode", string(mode), "container", f.use.container, "image", clean(f.use.image, maxImage), "reasons", f.ruling.reasons, "message", f.ruling.message)
		}
	}
	if !r.Allowed {
		s.teller.refusal(req, r.Status.Message)
	}
}
