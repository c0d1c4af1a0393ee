package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/havenregistry/haven/internal/admission/kube"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	// every is how often a replica looks whether another changed something, or a step is due. Where a change settles sooner,
	// it looks more often.
	every = time.Minute
	// retry is the pause after a failure.
	retry = 5 * time.Second
	// syncTime bounds one look.
	syncTime = 30 * time.Second
	// attempts is how often a write that another replica's crosses is tried.
	attempts = 5
)

// Cluster is what a Keeper needs of the Kubernetes API: kube.Client.
type Cluster interface {
	Secret(ctx context.Context, namespace, name string) (kube.Secret, error)
	PutSecret(ctx context.Context, s kube.Secret) (kube.Secret, error)
	Inject(ctx context.Context, kind kube.WebhookKind, name string, bundle []byte) (bool, error)
}

// Place says where a Keeper keeps its Secret, and which configurations it writes the bundle into; "" for none.
type Place struct {
	Namespace, Secret    string
	Validating, Mutating string
}

// Keeper makes the server's certificate and sees that it is believed.
type Keeper struct {
	cluster Cluster
	place   Place
	terms   Terms
	clock   func() time.Time
	log     *slog.Logger
	every   time.Duration
	current atomic.Pointer[state] // written by Sync alone
}

// NewKeeper returns a Keeper that has no certificate until Sync.
func NewKeeper(c Cluster, p Place, t Terms, clock func() time.Time, log *slog.Logger) *Keeper {
	return &Keeper{cluster: c, place: p, terms: t, clock: clock, log: log, every: min(every, t.Settle/4)}
}

// GetCertificate is for a tls.Config.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if s := k.current.Load(); s != nil {
		return s.pair, nil
	}
	return nil, errors.New("there is no certificate yet")
}

// End is when the certificate ends; zero before there is one.
func (k *Keeper) End() time.Time {
	if s := k.current.Load(); s != nil {
		return s.pair.Leaf.NotAfter
	}
	return time.Time{}
}

// Run looks after the certificate until ctx ends. What is shown stays while the cluster can't be asked.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		wait := k.every + rand.N(k.every/4) // replicas that started together don't look together
		if err := k.Sync(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("the certificate can't be looked after", "error", err)
			wait = min(wait, retry)
		}
		if !pause.For(ctx, wait) {
			return nil
		}
	}
}

// Sync takes over what the Secret says, does the step that is due, and writes the bundle where it belongs.
func (k *Keeper) Sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncTime)
	defer cancel()
	var err error
	for range attempts {
		if err = k.step(ctx); !crossed(err) {
			return err
		}
	}
	return err
}

// crossed reports whether a write came after another's: 422 is what the API says when a patch isn't for the version that
// is there.
func crossed(err error) bool {
	return kube.IsStatus(err, http.StatusConflict) || kube.IsStatus(err, http.StatusUnprocessableEntity)
}

var errOvertaken = &kube.Error{Code: http.StatusConflict, Message: "the secret was changed while its bundle was written"}

func (k *Keeper) step(ctx context.Context) error {
	stored, now := kube.Secret{Metadata: kube.Meta{Namespace: k.place.Namespace, Name: k.place.Secret}, Type: "Opaque"}, k.clock()
	found, err := k.cluster.Secret(ctx, k.place.Namespace, k.place.Secret)
	var present *state
	switch {
	case kube.IsStatus(err, http.StatusNotFound):
	case err != nil:
		return err
	default:
		stored = found
		if present, err = parse(found.Data); err != nil {
			k.log.Error("the secret with the certificate can't be used and is made anew", "secret", k.place.Secret, "error", err)
		}
	}
	if present == nil {
		return k.begin(ctx, stored, now)
	}
	stands, err := k.inject(ctx, present)
	if !stands && err == nil && k.overtaken(ctx, found) {
		return errOvertaken
	}
	advanced, did, failed := present.advance(k.terms, now, stands)
	switch {
	case failed != nil:
		return failed
	case did == "":
		k.current.Store(present)
		return err
	}
	return k.take(ctx, stored, advanced, did, now)
}

// overtaken reports whether another replica has changed the Secret meanwhile, so that an older bundle may have been written
// over its newer one.
func (k *Keeper) overtaken(ctx context.Context, read kube.Secret) bool {
	now, err := k.cluster.Secret(ctx, k.place.Namespace, k.place.Secret)
	return err == nil && now.Metadata.ResourceVersion != read.Metadata.ResourceVersion
}

// begin makes the first state. When the Secret was deleted, which is how people ask for other keys, the authority that it
// had is believed until all replicas have heard of it.
func (k *Keeper) begin(ctx context.Context, stored kube.Secret, now time.Time) error {
	s, err := fresh(k.terms, now)
	if err != nil {
		return err
	}
	if known := k.current.Load(); known != nil {
		s.last = &authority{cert: known.ca.cert}
	}
	return k.take(ctx, stored, s, "the first certificate is made", now)
}

// take writes a state, has it believed, and shows it, though it may not be believed yet.
func (k *Keeper) take(ctx context.Context, stored kube.Secret, s *state, did string, now time.Time) error {
	if err := s.check(k.terms.Names, now); err != nil {
		return err
	}
	data, err := s.data()
	if err != nil {
		return err
	}
	stored.Data = data
	if _, err := k.cluster.PutSecret(ctx, stored); err != nil {
		return err
	}
	k.log.Info(did, "certificate_end", s.pair.Leaf.NotAfter, "authority_end", s.ca.cert.NotAfter)
	_, err = k.inject(ctx, s)
	k.current.Store(s)
	return err
}

// inject writes the bundle into the configurations. One that isn't there yet gets it at a later look, and is none of those
// that have to believe. stands says that the bundle stood in all of them already.
func (k *Keeper) inject(ctx context.Context, s *state) (stands bool, err error) {
	var errs []error
	stands = true
	for kind, name := range map[kube.WebhookKind]string{kube.Validating: k.place.Validating, kube.Mutating: k.place.Mutating} {
		if name == "" {
			continue
		}
		changed, err := k.cluster.Inject(ctx, kind, name, s.bundle())
		switch {
		case kube.IsStatus(err, http.StatusNotFound):
			k.log.Debug("a webhook configuration is not there", "kind", string(kind), "name", name)
		case err != nil:
			errs = append(errs, fmt.Errorf("write the bundle of authorities: %w", err))
		case changed:
			stands = false
			k.log.Info("the bundle of authorities is written", "kind", string(kind), "name", name)
		}
	}
	return stands && len(errs) == 0, errors.Join(errs...)
}
