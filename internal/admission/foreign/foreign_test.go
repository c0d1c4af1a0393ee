package foreign_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	spec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/havenregistry/haven/internal/admission/foreign"
	"github.com/havenregistry/haven/internal/admission/foreign/foreigntest"
	"github.com/havenregistry/haven/internal/app/apptest"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/policy"
	"github.com/havenregistry/haven/internal/trust/verify"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	app        = foreigntest.Open + "/app"
	provenance = "https://slsa.dev/provenance/v1"
)

// world is a registry, and two who sign: ours the policy trusts.
type world struct {
	*foreigntest.Registry
	t            *testing.T
	ours, theirs foreigntest.Key
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{foreigntest.Start(t), t, foreigntest.NewKey(t), foreigntest.NewKey(t)}
}

// asked is the registry as the program asks it.
func (w *world) asked(change func(s *foreign.Settings, p *policy.Policy)) *foreign.Registry {
	w.t.Helper()
	p := policy.Policy{Signers: []policy.Signer{{Name: "ci", Keys: []string{w.ours.Public()}}}}
	s := foreign.Settings{Host: w.Host, PlainHTTP: true, Timeout: time.Minute, Clock: time.Now}
	if change != nil {
		change(&s, &p)
	}
	var err error
	if s.Verifier, err = verify.New(p); err != nil {
		w.t.Fatal(err)
	}
	r, err := foreign.New(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func nothingKnown(oci.Digest) (foreign.Verdict, bool) { return foreign.Verdict{}, false }

// verdict is about an image that can be asked about.
func (w *world) verdict(r *foreign.Registry, tag string, d spec.Descriptor) foreign.Verdict {
	w.t.Helper()
	v, err := r.Evaluate(w.t.Context(), foreign.Image{Repository: app, Tag: tag, Digest: oci.Digest(d.Digest)}, nothingKnown)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// signs are ways to sign a good image.
func signs(w *world) map[string]func(d spec.Descriptor) {
	return map[string]func(d spec.Descriptor){
		"tag":      func(d spec.Descriptor) { w.SignByTag(app, d, w.Signature(app, w.ours, d)) },
		"referrer": func(d spec.Descriptor) { w.SignByReferrer(app, d, w.Signature(app, w.ours, d)) },
	}
}

func TestSignatures(t *testing.T) {
	w := newWorld(t)
	other := w.Image(app, "other")
	for _, c := range []struct {
		name  string
		sign  func(d spec.Descriptor)
		words []string // of the refusal, nil where there is none
	}{
		{"by tag", signs(w)["tag"], nil},
		{"by referrer", signs(w)["referrer"], nil},
		{"not at all", func(spec.Descriptor) {}, []string{`a signature by any signer of the policy`, "no signature was found"}},
		{"by others", func(d spec.Descriptor) { w.SignByTag(app, d, w.Signature(app, w.theirs, d)) }, []string{"found is a"}},
		{"by others, as a referrer", func(d spec.Descriptor) { w.SignByReferrer(app, d, w.Signature(app, w.theirs, d)) }, []string{"found is a"}},
		{"by others and by us", func(d spec.Descriptor) {
			w.SignByTag(app, d, w.Signature(app, w.theirs, d))
			w.SignByReferrer(app, d, w.Signature(app, w.ours, d))
		}, nil},
		{"of another image", func(d spec.Descriptor) { w.SignByTag(app, d, w.Signature(app, w.ours, other)) }, []string{"found is a", other.Digest.Encoded()}},
		{"of another image, as a referrer", func(d spec.Descriptor) { w.SignByReferrer(app, d, w.Signature(app, w.ours, other)) }, []string{other.Digest.Encoded()}},
		{"a signature that is cut", func(d spec.Descriptor) {
			layer := w.Signature(app, w.ours, d)
			layer.Annotations["dev.cosignproject.cosign/signature"] = "AAAA"
			w.SignByTag(app, d, layer)
		}, []string{"found is a"}},
		{"something else under the tag", func(d spec.Descriptor) { w.Image(app, foreigntest.SignatureTag(d)) }, []string{"no signature was found"}},
		{"a signature of five megabytes", func(d spec.Descriptor) {
			w.SignByTag(app, d, w.Blob(app, "application/vnd.dev.cosign.simplesigning.v1+json", make([]byte, 5<<20)))
		}, []string{"larger than"}},
		{"the latest of a thousand", func(d spec.Descriptor) {
			w.SignByTag(app, d, append(w.junk(d, 1000), w.Signature(app, w.ours, d))...)
		}, nil},
		{"the first of a thousand", func(d spec.Descriptor) {
			w.SignByTag(app, d, append([]spec.Descriptor{w.Signature(app, w.ours, d)}, w.junk(d, 1000)...)...)
		}, []string{"there are more, which aren't looked at"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			d := w.Image(app, "v1")
			c.sign(d)
			r := w.asked(nil)
			for _, v := range []foreign.Verdict{w.verdict(r, "v1", spec.Descriptor{}), w.verdict(r, "", d)} {
				if v.Signed != (c.words == nil) || v.Digest != oci.Digest(d.Digest) || !v.Until.IsZero() {
					t.Errorf("got %+v", v)
				}
				for _, words := range c.words {
					if !strings.Contains(v.Message, words) {
						t.Errorf("the message lacks %q: %s", words, v.Message)
					}
				}
			}
		})
	}
	w.t = t
	if v := w.verdict(w.asked(nil), "nothing", spec.Descriptor{}); v.Signed || v.Digest != "" || !strings.Contains(v.Message, "no such image") {
		t.Errorf("an image that isn't there: %+v", v)
	}
}

// junk are layers that are no signature.
func (w *world) junk(d spec.Descriptor, n int) []spec.Descriptor {
	layer := w.Signature(app, w.theirs, d)
	all := make([]spec.Descriptor, n)
	for i := range all {
		all[i] = layer
	}
	return all
}

func TestRegistriesWithoutReferrers(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusBadRequest} {
		w := newWorld(t)
		w.Put(func(a http.ResponseWriter, r *http.Request) bool {
			lacks := strings.Contains(r.URL.Path, "/referrers/")
			if lacks {
				http.Error(a, "no such page", status)
			}
			return lacks
		})
		d := w.Image(app, "v1")
		var list spec.Index
		list.SchemaVersion, list.MediaType = 2, oci.MediaTypeImageIndex
		signature := w.SignByReferrer(app, d, w.Signature(app, w.ours, d))
		list.Manifests = []spec.Descriptor{signature}
		w.Manifest(app, oci.Digest(d.Digest).ReferrersTag(), oci.MediaTypeImageIndex, list)
		if v := w.verdict(w.asked(nil), "v1", spec.Descriptor{}); !v.Signed {
			t.Errorf("%d: %+v", status, v)
		}
	}
}

// A signature of an index is one of its images. That of an image is not one of an index that names it.
func TestIndexes(t *testing.T) {
	w := newWorld(t)
	r := w.asked(nil)
	signed, child := w.Image(app, ""), w.Image(app, "")
	w.SignByTag(app, signed, w.Signature(app, w.ours, signed))
	index := w.Index(app, "all", signed, child)
	if v := w.verdict(r, "all", spec.Descriptor{}); v.Signed || v.Digest != oci.Digest(index.Digest) {
		t.Errorf("an index with a signed image: %+v", v)
	}
	w.SignByTag(app, index, w.Signature(app, w.ours, index))
	stranger := w.Image(app, "stranger")
	for _, c := range []struct {
		name, tag string
		digest    spec.Descriptor
		want      bool
	}{
		{"the index by tag", "all", spec.Descriptor{}, true},
		{"the index by digest", "", index, true},
		{"a signed image of it", "", signed, true},
		{"another of it, with the tag", "all", child, true},
		{"another of it, alone", "", child, false},
		{"another of it, with another tag", "stranger", child, false},
		{"another of it, with no tag that there is", "nothing", child, false},
		{"an image that it doesn't name, with its tag", "all", stranger, false},
	} {
		v := w.verdict(r, c.tag, c.digest)
		if v.Signed != c.want || c.digest.Digest != "" && v.Digest != oci.Digest(c.digest.Digest) {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

func TestAttestations(t *testing.T) {
	w := newWorld(t)
	r := w.asked(func(_ *foreign.Settings, p *policy.Policy) {
		p.Require = &policy.Requirement{AllOf: []policy.Requirement{{SignedBy: "ci"}, {Attestation: &policy.Attestation{PredicateType: provenance, By: "ci"}}}}
	})
	d := w.Image(app, "v1")
	w.SignByTag(app, d, w.Signature(app, w.ours, d))
	if v := w.verdict(r, "v1", spec.Descriptor{}); v.Signed || !strings.Contains(v.Message, provenance) {
		t.Errorf("without: %+v", v)
	}
	w.Attest(app, w.theirs, d, provenance)
	if v := w.verdict(r, "v1", spec.Descriptor{}); v.Signed {
		t.Errorf("by others: %+v", v)
	}
	w.Attest(app, w.ours, d, provenance)
	if v := w.verdict(r, "v1", spec.Descriptor{}); !v.Signed {
		t.Errorf("by us: %+v", v)
	}
}

// What is known of a digest is not found out again for a tag that means it.
func TestWhatIsKnown(t *testing.T) {
	w := newWorld(t)
	d := w.Image(app, "v1")
	until := time.Now().Add(time.Minute)
	v, err := w.asked(nil).Evaluate(t.Context(), foreign.Image{Repository: app, Tag: "v1"}, func(asked oci.Digest) (foreign.Verdict, bool) {
		return foreign.Verdict{Digest: asked, Signed: true, Until: until}, asked == oci.Digest(d.Digest)
	})
	if err != nil || !v.Signed || v.Digest != oci.Digest(d.Digest) || !v.Until.Equal(until) {
		t.Errorf("%+v, %v", v, err)
	}
}

// A registry that can't be asked is no verdict, and one that answers nonsense is a refusal.
func TestRegistriesThatFail(t *testing.T) {
	w := newWorld(t)
	d := w.Image(app, "v1")
	w.SignByTag(app, d, w.Signature(app, w.ours, d))
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	on := func(part string, answer func(a http.ResponseWriter, r *http.Request)) foreigntest.Door {
		return func(a http.ResponseWriter, r *http.Request) bool {
			found := strings.Contains(r.URL.Path, part)
			if found {
				answer(a, r)
			}
			return found
		}
	}
	status := func(code int) func(a http.ResponseWriter, r *http.Request) {
		return func(a http.ResponseWriter, _ *http.Request) { a.WriteHeader(code) }
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	endless := func(mediaType string) func(a http.ResponseWriter, r *http.Request) {
		return func(a http.ResponseWriter, r *http.Request) {
			a.Header().Set("Content-Type", mediaType)
			a.Header().Set("Docker-Content-Digest", d.Digest.String())
			for r.Method == http.MethodGet {
				if _, err := a.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}
	}
	for _, c := range []struct {
		name string
		host string // another than the registry's
		door foreigntest.Door
		kind foreign.Kind // "" for a verdict that refuses
		word string
	}{
		{"away", away.Listener.Addr().String(), nil, foreign.Connection, "nothing listens there"},
		{"an address that is never asked", "169.254.169.254", nil, foreign.Connection, "may not be connected to"},
		{"out of order", "", on("/manifests/v1", status(500)), foreign.Status, "answers 500"},
		{"closed", "", on("/manifests/v1", status(403)), foreign.Status, "credentials_file"},
		{"asked too often", "", on("/manifests/v1", status(429)), foreign.Status, "429"},
		{"silent", "", on("/manifests/v1", hang), foreign.Timeout, "in time"},
		{"cut", "", on("/manifests/v1", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), foreign.Connection, "doesn't answer"},
		{"signatures out of order", "", on(".sig", status(502)), foreign.Status, "502"},
		{"signatures silent", "", on(".sig", hang), foreign.Timeout, "in time"},
		{"blobs out of order", "", on("/blobs/", status(503)), foreign.Status, "503"},
		{"blobs silent", "", on("/blobs/", hang), foreign.Timeout, "in time"},
		{"tokens out of order", "", on("/service/token", status(500)), foreign.Status, "500"},
		{"tokens that aren't there", "", on("/service/token", status(404)), foreign.Status, "404"},
		{"tokens that are none", "", on("/service/token", status(200)), foreign.Answer, "no token"},
		{"another manifest", "", on("/manifests/v1", func(a http.ResponseWriter, _ *http.Request) {
			a.Header().Set("Content-Type", oci.MediaTypeImageManifest)
			a.Header().Set("Docker-Content-Digest", d.Digest.String())
			fmt.Fprint(a, `{"schemaVersion":2}`)
		}), "", "can't be used"},
		{"no manifest", "", on("/manifests/v1", func(a http.ResponseWriter, _ *http.Request) {
			a.Header().Set("Content-Type", "text/html")
			fmt.Fprint(a, `<html>`)
		}), "", "can't be used"},
		{"a manifest without end", "", on("/manifests/v1", endless(oci.MediaTypeImageManifest)), "", "can't be used"},
		{"a signature without end", "", on("/manifests/sha256-", endless(oci.MediaTypeImageManifest)), "", "it isn't signed"},
		{"blobs without end", "", on("/blobs/", endless("application/octet-stream")), "", "hasn't the digest"},
		{"other blobs", "", on("/blobs/", func(a http.ResponseWriter, _ *http.Request) { fmt.Fprint(a, "{}") }), "", "hasn't the digest"},
		{"blobs that are gone", "", on("/blobs/", status(404)), "", "hasn't the digest"},
		{"blobs elsewhere, where nobody may", "", on("/blobs/", func(a http.ResponseWriter, r *http.Request) {
			http.Redirect(a, r, "http://"+away.Listener.Addr().String()+"/", http.StatusTemporaryRedirect)
		}), foreign.Connection, "may not be connected to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.Put(c.door)
			r := w.asked(func(s *foreign.Settings, _ *policy.Policy) {
				if c.kind == foreign.Timeout {
					s.Timeout = 500 * time.Millisecond
				}
				if c.host != "" {
					s.Host = c.host
				}
			})
			begun := time.Now()
			v, err := r.Evaluate(t.Context(), foreign.Image{Repository: app, Tag: "v1"}, nothingKnown)
			failed, _ := errors.AsType[*foreign.Failure](err)
			switch {
			case v.Signed || time.Since(begun) > 10*time.Second:
				t.Errorf("%+v after %s", v, time.Since(begun))
			case c.kind == "" && (err != nil || !strings.Contains(v.Message, c.word)):
				t.Errorf("got %+v, %v", v, err)
			case c.kind != "" && (failed == nil || failed.Kind != c.kind || !strings.Contains(failed.Words, c.word)):
				t.Errorf("got %+v, %v", v, err)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	w := newWorld(t)
	const repository = foreigntest.Closed + "/app"
	d := w.Image(repository, "v1")
	w.SignByTag(repository, d, w.Signature(repository, w.ours, d))
	path := filepath.Join(t.TempDir(), "config.json")
	write := func(host, password string) {
		t.Helper()
		text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte("admin:"+password)))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	evaluate := func(r *foreign.Registry) error {
		v, err := r.Evaluate(t.Context(), foreign.Image{Repository: repository, Tag: "v1"}, nothingKnown)
		if err == nil && !v.Signed {
			t.Errorf("refused: %+v", v)
		}
		return err
	}
	if err := evaluate(w.asked(nil)); err == nil || !strings.Contains(err.Error(), "credentials_file") {
		t.Errorf("without a password: %v", err)
	}
	write(w.Host, "canary-wrong-1")
	r := w.asked(func(s *foreign.Settings, _ *policy.Policy) { s.CredentialsFile = path })
	if err := evaluate(r); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("with a wrong password: %v", err)
	}
	write(w.Host, apptest.AdminPassword)
	if err := evaluate(r); err != nil {
		t.Errorf("with the right one, from now on: %v", err)
	}
	// A registry can't have the password sent to an address that the operator didn't name.
	var told []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told = append(told, r.Header.Get("Authorization")) }))
	defer elsewhere.Close()
	w.Put(func(a http.ResponseWriter, r *http.Request) bool {
		a.Header().Set("WWW-Authenticate", `Bearer realm="`+elsewhere.URL+`/token",service="x"`)
		a.WriteHeader(http.StatusUnauthorized)
		return true
	})
	r = w.asked(func(s *foreign.Settings, _ *policy.Policy) { s.CredentialsFile = path })
	if err := evaluate(r); err == nil || !strings.Contains(err.Error(), "token_server: "+elsewhere.URL) || len(told) > 0 {
		t.Errorf("tokens elsewhere: %v, told %v", err, told)
	}
	r = w.asked(func(s *foreign.Settings, _ *policy.Policy) { s.CredentialsFile, s.TokenServer = path, elsewhere.URL })
	if err := evaluate(r); err == nil || len(told) == 0 || !strings.HasPrefix(told[0], "Basic ") {
		t.Errorf("tokens from the server that was named: %v, told %v", err, told)
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name   string
		change func(s *foreign.Settings)
		want   string
	}{
		{"good", func(*foreign.Settings) {}, ""},
		{"no host", func(s *foreign.Settings) { s.Host = "a b" }, "no registry's address"},
		{"a token server with a password", func(s *foreign.Settings) { s.TokenServer = "https://a:canary@b" }, "token_server"},
		{"no authorities", func(s *foreign.Settings) { s.CAFile = filepath.Join(dir, "nothing") }, "ca_file"},
		{"authorities that are none", func(s *foreign.Settings) { s.CAFile = file("ca", "x") }, "ca_file"},
		{"no credentials", func(s *foreign.Settings) { s.CredentialsFile = filepath.Join(dir, "nothing") }, "credentials_file"},
		{"credentials that are none", func(s *foreign.Settings) { s.CredentialsFile = file("none", "canary") }, "config.json"},
		{"of another registry", func(s *foreign.Settings) { s.CredentialsFile = file("other", `{"auths":{"b.test":{"auth":"YTpi"}}}`) }, "nothing for a.test"},
		{"by a program", func(s *foreign.Settings) { s.CredentialsFile = file("program", `{"credsStore":"canary"}`) }, "nothing for a.test"},
		{"of the registry", func(s *foreign.Settings) {
			s.CredentialsFile = file("good", `{"auths":{"https://a.test/":{"auth":"YTpi"}}}`)
		}, ""},
		{"of Docker Hub", func(s *foreign.Settings) {
			s.Host, s.CredentialsFile = "docker.io", file("hub", `{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"}}}`)
		}, ""},
	} {
		s := foreign.Settings{Host: "a.test", Timeout: time.Second, Clock: time.Now}
		c.change(&s)
		_, err := foreign.New(s)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
