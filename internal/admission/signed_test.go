package admission_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/havenregistry/haven/internal/admission"
	"github.com/havenregistry/haven/internal/admission/foreign/foreigntest"
	"github.com/havenregistry/haven/internal/db/dbtest"
)

// noCertificate is what a server shows that isn't connected to.
type noCertificate struct{}

func (noCertificate) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
func (noCertificate) End() time.Time                                                { return time.Time{} }

func TestMain(m *testing.M) { dbtest.Main(m) }

const app = foreigntest.Open + "/app"

// door is a webhook whose policy trusts one key for images of another registry than Haven.
type door struct {
	*foreigntest.Registry
	t    *testing.T
	ours foreigntest.Key
	http http.Handler
}

func newDoor(t *testing.T, settings string) *door {
	t.Helper()
	d := &door{Registry: foreigntest.Start(t), t: t, ours: foreigntest.NewKey(t)}
	dir := t.TempDir()
	trust, err := json.Marshal(map[string]any{"signers": []any{map[string]any{"name": "ci", "keys": []string{d.ours.Public()}}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"trust.json": string(trust), "none.json": "{}",
		"policy.yaml": fmt.Sprintf("registries:\n- {prefix: %s/, by: signatures, trust_file: trust.json, plain_http: true, timeout: 2s}\n%s\n", d.Host, settings),
		"wrong.yaml":  fmt.Sprintf("registries:\n- {prefix: %s/, by: signatures, trust_file: none.json}\n", d.Host),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.server(filepath.Join(dir, "wrong.yaml")); err == nil || !strings.Contains(err.Error(), "registries[0]: trust_file: signers") {
		t.Errorf("a trust policy that names nobody: %v", err)
	}
	s, err := d.server(filepath.Join(dir, "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.http = s.Handler()
	return d
}

func (d *door) server(path string) (*admission.Server, error) {
	p, err := admission.ReadPolicy(path)
	if err != nil {
		return nil, err
	}
	return admission.New(admission.Deps{Policy: p, Certificate: noCertificate{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
}

// ask sends a review about a pod.
func (d *door) ask(path, image string) *admissionv1.AdmissionResponse {
	d.t.Helper()
	body := fmt.Appendf(nil, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","kind":{"version":"v1","kind":"Pod"},"operation":"CREATE","namespace":"default",
		"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":%q}]}}}}`, image)
	q := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	d.http.ServeHTTP(w, q)
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Response == nil {
		d.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer.Response
}

func (d *door) metric(line string) {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.http.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(w.Body.String(), line+"\n") {
		d.t.Errorf("missing: %s", line)
	}
}

func TestImagesOfAnotherRegistry(t *testing.T) {
	d := newDoor(t, "")
	signed, stray := d.Image(app, "signed"), d.Image(app, "stray")
	d.SignByTag(app, signed, d.Signature(app, d.ours, signed))
	d.SignByTag(app, stray, d.Signature(app, foreigntest.NewKey(t), stray))
	name := d.Host + "/" + app
	answer := d.ask("/mutate", name+":signed")
	pinned := name + ":signed@" + signed.Digest.String()
	if !answer.Allowed || !strings.Contains(string(answer.Patch), `"value":"`+pinned+`"`) {
		t.Errorf("got %+v, patch %s", answer, answer.Patch)
	}
	asked := d.Requests()
	if answer := d.ask("/validate", pinned); !answer.Allowed || d.Requests() != asked {
		t.Errorf("pinned, after %d more requests: %+v", d.Requests()-asked, answer.Result)
	}
	answer = d.ask("/validate", name+":stray")
	if answer.Allowed || !strings.Contains(answer.Result.Message, "it isn't signed as is demanded here: it needs a signature by any signer of the policy; found is a signature: no key of the policy made it") {
		t.Errorf("signed by others: %+v", answer.Result)
	}
	if answer.AuditAnnotations["reasons"] != "unsigned" {
		t.Errorf("the audit log hears %v", answer.AuditAnnotations)
	}
	if answer := d.ask("/validate", name+":nothing"); answer.Allowed || !strings.Contains(answer.Result.Message, "no such image") || answer.AuditAnnotations["reasons"] != "unknown" {
		t.Errorf("not there: %+v", answer)
	}
	if answer := d.ask("/validate", "quay.io/x/y"); answer.Allowed {
		t.Errorf("unlisted: %+v", answer)
	}
	for _, line := range []string{
		`haven_admission_verdicts_total{source="registry"} 3`, `haven_admission_verdicts_total{source="cache"} 1`, `haven_admission_verdicts_total{source="haven"} 0`,
		`haven_admission_registry_errors_total{reason="status"} 0`, `haven_admission_images_total{outcome="refused"} 3`,
	} {
		d.metric(line)
	}
}

// While the registry can't be asked nothing is verified, and what becomes of that is said by on_error.
func TestAnotherRegistryThatIsAway(t *testing.T) {
	for settings, allowed := range map[string]bool{"": false, "on_error: allow": true} {
		d := newDoor(t, settings)
		signed := d.Image(app, "v1")
		d.SignByTag(app, signed, d.Signature(app, d.ours, signed))
		d.Put(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusBadGateway)
			return true
		})
		image := d.Host + "/" + app + ":v1"
		answer := d.ask("/validate", image)
		told := answer.AuditAnnotations["refused"] + answer.AuditAnnotations["unchecked"]
		if answer.Allowed != allowed || len(answer.Warnings) > 0 != allowed || !strings.Contains(told, d.Host+" answers 502; unchecked images are") {
			t.Errorf("%q: %+v", settings, answer)
		}
		d.metric(`haven_admission_registry_errors_total{reason="status"} 1`)
		d.Put(nil)
		if answer := d.ask("/validate", image); !answer.Allowed || len(answer.Warnings) > 0 {
			t.Errorf("%q, later: %+v", settings, answer) // what is unknown isn't remembered
		}
	}
}
