package certificate

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/admission/kube"
)

// cluster keeps one Secret and two configurations as the Kubernetes API does: writes need the version that was read.
type cluster struct {
	mu      sync.Mutex
	secret  *kube.Secret
	version int
	bundles map[kube.WebhookKind][]byte
	away    bool   // the API doesn't answer
	refuses bool   // bundles can't be written
	before  func() // what another replica does between a look at the Secret and the write of its bundle
	crossed int    // so many patches come after another's
}

func newCluster() *cluster {
	return &cluster{bundles: map[kube.WebhookKind][]byte{kube.Validating: nil, kube.Mutating: nil}}
}

var errAway = errors.New("the API doesn't answer")

func (c *cluster) Secret(context.Context, string, string) (kube.Secret, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.away:
		return kube.Secret{}, errAway
	case c.secret == nil:
		return kube.Secret{}, &kube.Error{Code: http.StatusNotFound}
	}
	s := *c.secret
	s.Data = maps.Clone(s.Data)
	return s, nil
}

func (c *cluster) PutSecret(_ context.Context, s kube.Secret) (kube.Secret, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	present := ""
	if c.secret != nil {
		present = c.secret.Metadata.ResourceVersion
	}
	switch {
	case c.away:
		return kube.Secret{}, errAway
	case s.Metadata.ResourceVersion != present:
		return kube.Secret{}, fmt.Errorf("put: %w", &kube.Error{Code: http.StatusConflict})
	}
	c.version++
	s.Metadata.ResourceVersion = strconv.Itoa(c.version)
	c.secret = &s
	return s, nil
}

func (c *cluster) Inject(_ context.Context, kind kube.WebhookKind, _ string, bundle []byte) (bool, error) {
	c.mu.Lock()
	if before := c.before; before != nil {
		c.before = nil
		c.mu.Unlock()
		before()
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	present, there := c.bundles[kind]
	switch {
	case c.away:
		return false, errAway
	case !there:
		return false, &kube.Error{Code: http.StatusNotFound}
	case c.crossed > 0:
		c.crossed--
		return false, &kube.Error{Code: http.StatusUnprocessableEntity}
	case c.refuses:
		return false, &kube.Error{Code: http.StatusForbidden}
	}
	c.bundles[kind] = bundle
	return !bytes.Equal(present, bundle), nil
}

func (c *cluster) set(change func(c *cluster)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func (c *cluster) bundle(kind kube.WebhookKind) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bundles[kind]
}

func terms() Terms {
	return Terms{Names: []string{"door.ns.svc", "door.ns", "127.0.0.1"}, Life: 90 * 24 * time.Hour, AuthorityLife: 1000 * 24 * time.Hour, Settle: 10 * time.Minute}
}

func keeperOf(c *cluster) *Keeper {
	return NewKeeper(c, Place{Namespace: "ns", Secret: "s", Validating: "v", Mutating: "m"}, terms(), time.Now, slog.New(slog.DiscardHandler))
}

// shown is the certificate that a keeper shows, which has to be one that an API server believes.
func shown(t *testing.T, c *cluster, k *Keeper) *x509.Certificate {
	t.Helper()
	pair, err := k.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind := range c.bundles {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(c.bundle(kind))
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "door.ns.svc", Roots: roots, CurrentTime: time.Now()}); err != nil {
			t.Fatalf("%s: an API server would say: %v", kind, err)
		}
	}
	return pair.Leaf
}

func TestTheFirstCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		k, other := keeperOf(c), keeperOf(c)
		if _, err := k.GetCertificate(nil); err == nil || !k.End().IsZero() {
			t.Error("there is a certificate before there is one")
		}
		var both sync.WaitGroup
		for _, each := range []*Keeper{k, other} {
			both.Go(func() {
				if err := each.Sync(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		leaf := shown(t, c, k)
		if !leaf.Equal(shown(t, c, other)) || c.version != 1 {
			t.Errorf("replicas show different certificates, after %d writes", c.version)
		}
		for _, name := range terms().Names {
			if err := leaf.VerifyHostname(name); err != nil {
				t.Error(err)
			}
		}
		if leaf.PublicKeyAlgorithm != x509.ECDSA || leaf.IsCA || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) || !k.End().Equal(leaf.NotAfter) {
			t.Errorf("got %+v", leaf)
		}
	})
}

// Two replicas and their cluster while certificates and authorities come and go: at each moment each replica shows what each
// API server believes, even one that hears of a bundle hours late.
func TestThroughTheSeasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		c := newCluster()
		keepers := []*Keeper{keeperOf(c), keeperOf(c)}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for _, k := range keepers {
			k.every, k.terms.Life, k.terms.AuthorityLife, k.terms.Settle = time.Hour, 9*day, 100*day, day
			running.Go(func() {
				if err := k.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		certificates, authorities, most := map[string]bool{}, map[string]bool{}, 0
		late, before := c.bundle(kube.Validating), c.bundle(kube.Validating)
		for begun := time.Now(); time.Since(begun) < 120*day; time.Sleep(6 * time.Hour) {
			synctest.Wait()
			for _, k := range keepers {
				leaf := shown(t, c, k)
				certificates[leaf.SerialNumber.String()], authorities[leaf.Issuer.String()] = true, true
				if left := time.Until(leaf.NotAfter); left < 68*time.Hour {
					t.Fatalf("a certificate is left with %s", left)
				}
				if err := believes(late, leaf, time.Now()); err != nil {
					t.Fatalf("who hears late doesn't believe what is shown: %v", err)
				}
			}
			late, before = before, c.bundle(kube.Validating)
			most = max(most, bytes.Count(before, []byte("BEGIN")))
		}
		if len(authorities) != 2 || most != 2 || len(certificates) < 18 || len(certificates) > 23 {
			t.Errorf("%d certificates of %d authorities, at most %d believed at once", len(certificates), len(authorities), most)
		}
		if n := bytes.Count(c.bundle(kube.Mutating), []byte("BEGIN")); n != 1 {
			t.Errorf("%d authorities are believed in the end", n)
		}
		stop()
		running.Wait()
	})
}

// What can't be written is not acted on: the coming authority takes over only when it stands in the configurations.
func TestAnAuthorityThatNobodyBelievesDoesNotTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		k := keeperOf(c)
		sync := func() error { return k.Sync(t.Context()) }
		if err := sync(); err != nil {
			t.Fatal(err)
		}
		first := shown(t, c, k).Issuer.String()
		time.Sleep(700 * 24 * time.Hour)
		c.set(func(c *cluster) { c.refuses = true })
		for range 5 {
			if err := sync(); err == nil {
				t.Error("nobody hears that the bundle can't be written")
			}
			time.Sleep(time.Hour)
		}
		if got := shown(t, c, k).Issuer.String(); got != first {
			t.Errorf("%s has taken over", got)
		}
		c.set(func(c *cluster) { c.refuses = false })
		for range 3 {
			if err := sync(); err != nil {
				t.Error(err)
			}
		}
		if got := shown(t, c, k).Issuer.String(); got == first {
			t.Error("the coming authority doesn't take over")
		}
	})
}

func TestAClusterThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		k := keeperOf(c)
		if err := k.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		leaf := shown(t, c, k)
		c.set(func(c *cluster) { c.away = true })
		time.Sleep(70 * 24 * time.Hour)
		if err := k.Sync(t.Context()); !errors.Is(err, errAway) || !leaf.Equal(shown(t, c, k)) {
			t.Errorf("got %v", err)
		}
		// Longer than the authority lived: what is shown is worthless anyway, so all is made anew.
		time.Sleep(1000 * 24 * time.Hour)
		c.set(func(c *cluster) { c.away = false })
		if err := k.Sync(t.Context()); err != nil {
			t.Error(err)
		}
		shown(t, c, k)
	})
}

// Deleting the Secret is how people ask for other keys: replicas that haven't heard of it are believed meanwhile.
func TestASecretThatIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		k, other := keeperOf(c), keeperOf(c)
		for _, each := range []*Keeper{k, other} {
			if err := each.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		last := shown(t, c, k)
		c.set(func(c *cluster) { c.secret = nil })
		if err := k.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if leaf := shown(t, c, k); leaf.Issuer.String() == last.Issuer.String() || !last.Equal(shown(t, c, other)) {
			t.Error("no other authority, or the other replica isn't believed")
		}
		for range 2 {
			time.Sleep(10 * time.Minute)
			if err := errors.Join(other.Sync(t.Context()), k.Sync(t.Context())); err != nil {
				t.Error(err)
			}
		}
		if !shown(t, c, k).Equal(shown(t, c, other)) || bytes.Count(c.bundle(kube.Validating), []byte("BEGIN")) != 1 {
			t.Error("the last authority is still believed")
		}
	})
}

// A replica that is slow writes an older bundle over a newer one, and puts that right at once.
func TestAReplicaThatIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		quick, slow := keeperOf(c), keeperOf(c)
		for _, each := range []*Keeper{quick, slow} {
			if err := each.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		c.set(func(c *cluster) {
			c.before = func() {
				c.set(func(c *cluster) { c.secret = nil })
				if err := quick.Sync(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
		if err := slow.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !shown(t, c, quick).Equal(shown(t, c, slow)) {
			t.Error("replicas show different certificates")
		}
		c.set(func(c *cluster) { c.crossed = 3 })
		if err := slow.Sync(t.Context()); err != nil {
			t.Errorf("patches that come late: %v", err)
		}
	})
}

func TestSecretsThatCannotBeUsed(t *testing.T) {
	for name, spoil := range map[string]func(d map[string][]byte){
		"nothing":               func(d map[string][]byte) { clear(d) },
		"no key":                func(d map[string][]byte) { delete(d, keyKey) },
		"no authority":          func(d map[string][]byte) { delete(d, keyCA) },
		"no authority's key":    func(d map[string][]byte) { delete(d, keyCAKey) },
		"another's key":         func(d map[string][]byte) { d[keyCAKey] = d[keyKey] },
		"no PEM":                func(d map[string][]byte) { d[keyCA] = []byte("x") },
		"a leaf for authority":  func(d map[string][]byte) { d[keyCA] = d[keyCert] },
		"no time":               func(d map[string][]byte) { d[keyChanged] = nil },
		"half a next authority": func(d map[string][]byte) { d[keyNextCA] = d[keyCA] },
		"a last one of text":    func(d map[string][]byte) { d[keyLastCA] = []byte("x") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster()
			k := keeperOf(c)
			if err := k.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.set(func(c *cluster) { spoil(c.secret.Data) })
			if err := k.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			shown(t, c, k)
			if _, err := parse(c.secret.Data); err != nil {
				t.Errorf("still: %v", err)
			}
		})
	}
}

func TestOtherNames(t *testing.T) {
	c := newCluster()
	if err := keeperOf(c).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	k := keeperOf(c)
	k.terms.Names = append(k.terms.Names, "new.test")
	if err := k.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := shown(t, c, k).VerifyHostname("new.test"); err != nil {
		t.Error(err)
	}
}

// A configuration that isn't there is none that has to believe; one that comes later gets the bundle.
func TestAConfigurationThatComesLater(t *testing.T) {
	c := newCluster()
	delete(c.bundles, kube.Mutating)
	k := keeperOf(c)
	if err := k.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown(t, c, k)
	c.set(func(c *cluster) { c.bundles[kube.Mutating] = nil })
	if err := k.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown(t, c, k)
}

func FuzzParse(f *testing.F) {
	s, err := fresh(terms(), time.Now())
	if err != nil {
		f.Fatal(err)
	}
	d, err := s.data()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(d[keyCert], d[keyKey], d[keyCA], d[keyCAKey])
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), d[keyKey], d[keyCA], d[keyCAKey])
	f.Fuzz(func(t *testing.T, cert, key, ca, caKey []byte) {
		s, err := parse(map[string][]byte{keyCert: cert, keyKey: key, keyCA: ca, keyCAKey: caKey, keyChanged: []byte("2026-01-01T00:00:00Z")})
		if err == nil {
			s.unfit(terms().Names)
			s.bundle()
		}
	})
}
