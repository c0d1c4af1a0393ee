package admission

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

var (
	digestA = "sha256:" + strings.Repeat("a", 64)
	digestB = "sha256:" + strings.Repeat("b", 64)
)

const (
	robotName     = "robot$cluster"
	robotPassword = "canary-of-the-robot"
)

// said is a verdict as Haven's API spells it.
type said struct {
	Image   string   `json:"image"`
	Digest  string   `json:"digest"`
	Allowed bool     `json:"allowed"`
	Message string   `json:"message"`
	Reasons []string `json:"reasons"`
}

// fakeHaven stands for Haven's evaluation API, which is another program.
type fakeHaven struct {
	server *httptest.Server

	mu     sync.Mutex
	says   map[string]said // by name
	asked  [][]string
	status int           // other than 200, when set
	hold   chan struct{} // answers wait for it, when set
	broken int           // so many connections are cut
}

func newFakeHaven(t *testing.T) *fakeHaven {
	t.Helper()
	h := &fakeHaven{says: map[string]said{}}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	return h
}

func (h *fakeHaven) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Images []string `json:"images"`
	}
	name, password, _ := r.BasicAuth()
	if r.Method != http.MethodPost || r.URL.Path != "/api/haven/v1/evaluate" || json.NewDecoder(r.Body).Decode(&body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.asked = append(h.asked, body.Images)
	status, hold, cut := h.status, h.hold, h.broken > 0
	if cut {
		h.broken--
	}
	var answer struct {
		Verdicts []said `json:"verdicts"`
	}
	for _, image := range body.Images {
		v, known := h.says[image]
		if !known {
			v = said{Allowed: false, Message: "no such image", Reasons: []string{"unknown"}}
		}
		v.Image = image
		answer.Verdicts = append(answer.Verdicts, v)
	}
	h.mu.Unlock()
	switch {
	case cut:
		panic(http.ErrAbortHandler)
	case name != robotName || password != robotPassword:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case status != 0:
		w.WriteHeader(status)
		return
	}
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (h *fakeHaven) say(name string, v said) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.says[name] = v
}

func (h *fakeHaven) set(change func(h *fakeHaven)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

// questions are the names that Haven was asked about, sorted.
func (h *fakeHaven) questions() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Concat(h.asked...)
	slices.Sort(all)
	return all
}

// settings are the beginning of each test's policy: Haven is registry.test.
func (h *fakeHaven) settings(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"username": robotName, "password": robotPassword + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("haven: {url: %q, username_file: \"%s/username\", password_file: \"%s/password\"}\nregistries:\n- {prefix: registry.test/, by: haven}\n", h.server.URL, dir, dir)
}

// certificateUntil is a certificate of which only the end is used.
type certificateUntil time.Time

func (c certificateUntil) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, nil
}
func (c certificateUntil) End() time.Time { return time.Time(c) }

// labelled are the labels of namespaces; one that isn't there can't be looked up.
type labelled map[string]map[string]string

func (l labelled) Labels(_ context.Context, namespace string) (map[string]string, error) {
	found, ok := l[namespace]
	if !ok {
		return nil, fmt.Errorf("no namespace %s", namespace)
	}
	return found, nil
}

// newServer is a server by a policy.
func newServer(t *testing.T, policy string, namespaces labelled) *Server {
	t.Helper()
	p, err := ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Deps{Policy: p, Certificate: certificateUntil(time.Now().Add(time.Hour)), Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if namespaces != nil {
		s.modes.labels = namespaces
	}
	t.Cleanup(s.askers.wait)
	return s
}

// pod is one with a container for each image.
func pod(images ...string) *corev1.Pod {
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "default"}}
	for i, image := range images {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: fmt.Sprintf("c%d", i), Image: image})
	}
	return p
}

// asking is a review as the API server sends it, by the official types.
func asking(t testing.TB, object, old any, change func(r *admissionv1.AdmissionRequest)) []byte {
	t.Helper()
	r := &admissionv1.AdmissionRequest{
		UID: "705ab4f5-6393-11e8-b7cc-42010a800002", Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
		Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"}, Name: "p", Namespace: "default", Operation: admissionv1.Create,
		Object: runtime.RawExtension{Raw: encode(t, object)},
	}
	if old != nil {
		r.Operation, r.OldObject = admissionv1.Update, runtime.RawExtension{Raw: encode(t, old)}
	}
	if change != nil {
		change(r)
	}
	return encode(t, admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: r})
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// send sends a review and returns the answer by the official types.
func send(t *testing.T, s *Server, path string, body []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d: %s", path, w.Code, w.Body)
	}
	var answer admissionv1.AdmissionReview
	if err := unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if answer.Kind != "AdmissionReview" || answer.APIVersion != "admission.k8s.io/v1" || answer.Response == nil || answer.Response.UID != "705ab4f5-6393-11e8-b7cc-42010a800002" {
		t.Fatalf("no answer to the review: %s", w.Body)
	}
	return answer.Response
}
