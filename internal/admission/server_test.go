package admission

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// world is a Haven with a good image, a vulnerable one and one that isn't signed.
func world(t *testing.T) *fakeHaven {
	t.Helper()
	h := newFakeHaven(t)
	h.say("prod/good:v1", said{Digest: digestA, Allowed: true})
	h.say("prod/good:latest", said{Digest: digestA, Allowed: true})
	h.say("prod/good@"+digestA, said{Digest: digestA, Allowed: true})
	h.say("prod/old:v1", said{Digest: digestB, Message: "3 vulnerabilities are critical", Reasons: []string{"vulnerable"}})
	h.say("prod/stray:v1", said{Digest: digestB, Message: "nobody signed it", Reasons: []string{"unsigned"}})
	return h
}

const otherRegistries = `- {prefix: registry.k8s.io/, by: allow}
- {prefix: docker.io/, by: deny, reason: use the proxy project}
- {prefix: docker.io/library/busybox, by: allow}
`

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		images []string
		more   string // settings
		want   []string
	}{
		{"good", []string{"registry.test/prod/good:v1"}, "", nil},
		{"good by digest", []string{"registry.test/prod/good:v1@" + digestA}, "", nil},
		{"no tag", []string{"registry.test/prod/good"}, "", nil},
		{"vulnerable", []string{"registry.test/prod/old:v1"}, "", []string{`container "c0"`, "registry.test/prod/old:v1", "3 vulnerabilities are critical"}},
		{"unsigned", []string{"registry.test/prod/stray:v1"}, "", []string{"nobody signed it"}},
		{"not there", []string{"registry.test/prod/nothing:v1"}, "", []string{"no such image"}},
		{"one of two", []string{"registry.test/prod/good:v1", "registry.test/prod/old:v1"}, "", []string{`container "c1"`}},
		{"two of two", []string{"registry.test/prod/stray:v1", "registry.test/prod/old:v1"}, "", []string{"nobody signed it", "critical"}},
		{"listed elsewhere", []string{"registry.k8s.io/pause:3.9"}, "", nil},
		{"denied", []string{"nginx"}, "", []string{"docker.io/ are denied: use the proxy project"}},
		{"the longest prefix counts", []string{"busybox"}, "", nil},
		{"a prefix ends at a slash", []string{"busybox2"}, "", []string{"denied"}},
		{"unlisted", []string{"quay.io/x/y:1"}, "", []string{"quay.io is no registry"}},
		{"a host that begins so", []string{"registry.test.evil.example/prod/good:v1"}, "", []string{"no registry that images may come from"}},
		{"a port more", []string{"registry.test:8443/prod/good:v1"}, "", []string{"no registry that images may come from"}},
		{"no image", []string{""}, "", []string{"there is no image"}},
		{"no image's name", []string{"registry.test/Prod/good:v1"}, "", []string{"this is no image"}},
		{"tag where a digest is demanded", []string{"registry.test/prod/good:v1"}, "require_digest: true", []string{"a tag can be moved"}},
		{"digest where one is demanded", []string{"registry.test/prod/good@" + digestA}, "require_digest: true", nil},
		{"demanded of some", []string{"registry.test/prod/good:v1", "registry.k8s.io/pause:3.9"}, "require_digest: false", nil},
		{"exempted", []string{"registry.test/prod/old:v1"}, "exemptions: [{image: registry.test/prod/*, reason: agreed}]", nil},
		{"exempted, elsewhere", []string{"registry.test/prod/old:v1"}, "exemptions: [{namespace: other, image: registry.test/prod/*, reason: agreed}]", []string{"critical"}},
		{"exempted, until yesterday", []string{"registry.test/prod/old:v1"}, "exemptions: [{namespace: default, reason: agreed, until: 2020-01-01}]", []string{"critical"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := world(t)
			s := newServer(t, h.settings(t)+otherRegistries+c.more, nil)
			answer := send(t, s, "/validate", asking(t, pod(c.images...), nil, nil))
			if answer.Allowed != (c.want == nil) || len(answer.Warnings) > 0 || answer.Patch != nil {
				t.Fatalf("got %+v", answer)
			}
			if c.want == nil {
				return
			}
			if answer.Result.Code != http.StatusForbidden || answer.Result.Status != "Failure" || answer.Result.Reason != "Forbidden" {
				t.Errorf("got %+v", answer.Result)
			}
			for _, words := range c.want {
				if !strings.Contains(answer.Result.Message, words) {
					t.Errorf("the message lacks %q: %s", words, answer.Result.Message)
				}
			}
		})
	}
}

// What a name has in front is Haven's own affair: the mapping says what stands for it.
func TestNamesInHaven(t *testing.T) {
	h := newFakeHaven(t)
	s := newServer(t, h.settings(t)+`- {prefix: docker.io/, by: haven, as: hub/}
- {prefix: mirror.test/a/b, by: haven, as: x/y}
`, nil)
	send(t, s, "/validate", asking(t, pod("nginx", "registry.test/prod/app:v1@"+digestA, "mirror.test/a/b:2"), nil, nil))
	want := []string{"hub/library/nginx:latest", "prod/app@" + digestA, "x/y:2"}
	if got := h.questions(); !slices.Equal(got, want) {
		t.Errorf("asked about %v, want %v", got, want)
	}
}

func TestModes(t *testing.T) {
	bad := asking(t, pod("registry.test/prod/old:v1"), nil, nil)
	for _, c := range []struct {
		name, setting, label string
		allowed              bool
		warned               int
		decision             string // in the audit log
		asked                bool
	}{
		{"enforce by the policy", "", "", false, 0, "refused", true},
		{"warn by the label", "", "warn", true, 1, "warned", true},
		{"audit by the label", "", "audit", true, 0, "audited", true},
		{"off by the label", "", "off", true, 0, "", false},
		{"enforce by the label", "mode: audit", "enforce", false, 0, "refused", true},
		{"warn by the policy", "mode: warn", "", true, 1, "warned", true},
		{"off by the policy", "mode: \"off\"", "", true, 0, "", false},
		{"a label that is no mode", "", "Off", false, 0, "refused", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := world(t)
			s := newServer(t, h.settings(t)+c.setting, labelled{"default": {ModeLabel: c.label, "x": "y"}})
			answer := send(t, s, "/validate", bad)
			if answer.Allowed != c.allowed || len(answer.Warnings) != c.warned || answer.AuditAnnotations["decision"] != c.decision || (len(h.questions()) > 0) != c.asked {
				t.Errorf("got %+v", answer)
			}
			if c.asked && (!strings.Contains(answer.AuditAnnotations["refused"], "critical") || answer.AuditAnnotations["reasons"] != "vulnerable") {
				t.Errorf("the audit log hears %v", answer.AuditAnnotations)
			}
		})
	}
	t.Run("without access to namespaces", func(t *testing.T) {
		h := world(t)
		s := newServer(t, h.settings(t)+"mode: warn", labelled{})
		if answer := send(t, s, "/validate", bad); !answer.Allowed || len(answer.Warnings) != 1 {
			t.Errorf("got %+v", answer)
		}
	})
}

func TestExemptionsAreOnRecord(t *testing.T) {
	h := world(t)
	s := newServer(t, h.settings(t)+"exemptions: [{image: quay.io/**, reason: asked for by ops}]", nil)
	answer := send(t, s, "/validate", asking(t, pod("quay.io/a/b:1"), nil, nil))
	if !answer.Allowed || !strings.Contains(answer.AuditAnnotations["exempted"], "quay.io/a/b:1: asked for by ops") {
		t.Errorf("got %+v", answer)
	}
}

func TestWhenHavenCannotBeAsked(t *testing.T) {
	good := asking(t, pod("registry.test/prod/good:v1"), nil, nil)
	for _, c := range []struct {
		name   string
		change func(h *fakeHaven)
		words  string
	}{
		{"no answer", func(h *fakeHaven) { h.hold = make(chan struct{}) }, "Haven doesn't answer"},
		{"cut twice", func(h *fakeHaven) { h.broken = 2 }, "Haven doesn't answer"},
		{"out of order", func(h *fakeHaven) { h.status = http.StatusInternalServerError }, "Haven answers 500"},
		{"the robot may not", func(h *fakeHaven) { h.status = http.StatusForbidden }, "doesn't let the robot ask"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := world(t)
			h.set(c.change)
			settings := strings.Replace(h.settings(t), "haven: {", "haven: {timeout: 200ms, ", 1)
			closed := newServer(t, settings, nil)
			answer := send(t, closed, "/validate?timeout=2s", good)
			if answer.Allowed || !strings.Contains(answer.Result.Message, c.words) || !strings.Contains(answer.Result.Message, "on_error: refuse") {
				t.Errorf("closed: %+v, %v", answer, answer.Result)
			}
			h.set(c.change)
			open := newServer(t, settings+"on_error: allow", nil)
			answer = send(t, open, "/validate?timeout=2s", good)
			if !answer.Allowed || len(answer.Warnings) != 1 || !strings.Contains(answer.Warnings[0], "not checked") || !strings.Contains(answer.AuditAnnotations["unchecked"], "on_error: allow") || answer.AuditAnnotations["decision"] != "unchecked" {
				t.Errorf("open: %+v", answer)
			}
			if text := string(encode(t, answer)); strings.Contains(text, robotPassword) {
				t.Error("the answer has the password")
			}
		})
	}
	t.Run("cut once", func(t *testing.T) {
		h := world(t)
		h.broken = 1
		if answer := send(t, newServer(t, h.settings(t), nil), "/validate", good); !answer.Allowed {
			t.Errorf("got %+v", answer.Result)
		}
	})
	// A known verdict needs no Haven, and what Haven refused for sure isn't let through because something else is unsure.
	t.Run("partly", func(t *testing.T) {
		h := world(t)
		s := newServer(t, h.settings(t)+"on_error: allow", nil)
		send(t, s, "/validate", asking(t, pod("registry.test/prod/old:v1"), nil, nil))
		h.set(func(h *fakeHaven) { h.status = http.StatusBadGateway })
		if answer := send(t, s, "/validate", asking(t, pod("registry.test/prod/old:v1", "registry.test/prod/good:v1"), nil, nil)); answer.Allowed {
			t.Errorf("got %+v", answer)
		}
	})
}

func TestMutate(t *testing.T) {
	mirror := pod("registry.test/prod/good:v1")
	mirror.Annotations = map[string]string{mirrored: "x"}
	deployment := func(r *admissionv1.AdmissionRequest) {
		r.Kind = metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	}
	template := map[string]any{"spec": map[string]any{"template": corev1.PodTemplateSpec{Spec: pod("registry.test/prod/good:v1").Spec}}}
	for _, c := range []struct {
		name   string
		object any
		change func(r *admissionv1.AdmissionRequest)
		more   string // settings
		want   string // patch
	}{
		{"a tag", pod("registry.test/prod/good:v1"), nil, "", `[{"op":"replace","path":"/spec/containers/0/image","value":"registry.test/prod/good:v1@` + digestA + `"}]`},
		{"no tag", pod("registry.test/prod/good"), nil, "", `[{"op":"replace","path":"/spec/containers/0/image","value":"registry.test/prod/good@` + digestA + `"}]`},
		{"the second of three", pod("registry.k8s.io/pause:3", "registry.test/prod/good:v1", "registry.test/prod/old:v1"), nil, "", `[{"op":"replace","path":"/spec/containers/1/image","value":"registry.test/prod/good:v1@` + digestA + `"}]`},
		{"a digest already", pod("registry.test/prod/good:v1@" + digestA), nil, "", ""},
		{"refused", pod("registry.test/prod/old:v1"), nil, "", ""},
		{"where a digest is demanded", pod("registry.test/prod/good:v1"), nil, "require_digest: true", `[{"op":"replace","path":"/spec/containers/0/image","value":"registry.test/prod/good:v1@` + digestA + `"}]`},
		{"not asked for", pod("registry.test/prod/good:v1"), nil, "pin: none", ""},
		{"a deployment", template, deployment, "", `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"registry.test/prod/good:v1@` + digestA + `"}]`},
		{"a deployment, only pods", template, deployment, "pin: pods", ""},
		{"a pod, only pods", pod("registry.test/prod/good:v1"), nil, "pin: pods", `[{"op":"replace","path":"/spec/containers/0/image","value":"registry.test/prod/good:v1@` + digestA + `"}]`},
		{"runs already", mirror, nil, "", ""},
		{"in the mode audit", pod("registry.test/prod/good:v1"), nil, "mode: audit", ""},
		{"exempted", pod("registry.test/prod/good:v1"), nil, "exemptions: [{namespace: default, reason: x}]", ""},
		{"no image", pod("registry.test/prod/GOOD"), nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := world(t)
			s := newServer(t, h.settings(t)+otherRegistries+c.more, nil)
			answer := send(t, s, "/mutate", asking(t, c.object, nil, c.change))
			if !answer.Allowed || string(answer.Patch) != c.want || (answer.PatchType != nil) != (c.want != "") {
				t.Errorf("got %+v, patch %s", answer, answer.Patch)
			}
		})
	}
	t.Run("while Haven is away", func(t *testing.T) {
		h := world(t)
		h.status = http.StatusBadGateway
		s := newServer(t, h.settings(t), nil)
		if answer := send(t, s, "/mutate", asking(t, pod("registry.test/prod/good:v1"), nil, nil)); !answer.Allowed || answer.Patch != nil {
			t.Errorf("got %+v", answer)
		}
	})
	// What was resolved needs no second question a moment later.
	t.Run("then validate", func(t *testing.T) {
		h := world(t)
		s := newServer(t, h.settings(t), nil)
		var steps []step
		if err := json.Unmarshal(send(t, s, "/mutate", asking(t, pod("registry.test/prod/good:v1"), nil, nil)).Patch, &steps); err != nil {
			t.Fatal(err)
		}
		if answer := send(t, s, "/validate", asking(t, pod(steps[0].Value), nil, nil)); !answer.Allowed || len(h.questions()) != 1 {
			t.Errorf("got %+v after %v", answer, h.questions())
		}
	})
}

func TestObjectsThatBringNothingIn(t *testing.T) {
	h := world(t)
	s := newServer(t, h.settings(t), nil)
	labelled := pod("registry.test/prod/old:v1")
	labelled.Labels = map[string]string{"a": "b"}
	for name, body := range map[string][]byte{
		"a label on a bad pod":      asking(t, labelled, pod("registry.test/prod/old:v1"), nil),
		"the end of a bad pod":      asking(t, pod(), pod("registry.test/prod/old:v1"), func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Delete }),
		"a scale":                   asking(t, map[string]any{"spec": map[string]int{"replicas": 3}}, nil, func(r *admissionv1.AdmissionRequest) { r.SubResource, r.Kind.Kind = "scale", "Scale" }),
		"the status of a bad pod":   asking(t, pod("registry.test/prod/old:v1"), pod(), func(r *admissionv1.AdmissionRequest) { r.SubResource = "status" }),
		"a pod without containers":  asking(t, pod(), nil, nil),
		"an image that is not new":  asking(t, pod("registry.test/prod/old:v1"), pod("registry.test/prod/old:v1"), nil),
		"a bad pod that is deleted": asking(t, nil, nil, func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Delete }),
	} {
		if answer := send(t, s, "/validate", body); !answer.Allowed || len(h.questions()) > 0 {
			t.Errorf("%s: %+v", name, answer.Result)
		}
	}
	for name, body := range map[string][]byte{
		"a kind that isn't known": asking(t, map[string]any{}, nil, func(r *admissionv1.AdmissionRequest) { r.Kind.Kind = "Rollout" }),
		"no object":               asking(t, "text", nil, nil),
	} {
		if answer := send(t, s, "/validate", body); answer.Allowed {
			t.Errorf("%s: %+v", name, answer)
		}
		if answer := send(t, s, "/mutate", body); !answer.Allowed || answer.Patch != nil {
			t.Errorf("%s: %+v", name, answer)
		}
	}
}

func TestRequestsThatAreNoReview(t *testing.T) {
	s := newServer(t, newFakeHaven(t).settings(t), nil)
	for _, c := range []struct {
		name, method, path, media, body string
		want                            int
	}{
		{"by GET", "GET", "/validate", "", "", http.StatusMethodNotAllowed},
		{"another path", "POST", "/", "application/json", "{}", http.StatusNotFound},
		{"no type", "POST", "/validate", "", "{}", http.StatusUnsupportedMediaType},
		{"another type", "POST", "/mutate", "text/plain", "{}", http.StatusUnsupportedMediaType},
		{"no review", "POST", "/mutate", "application/json; charset=utf-8", "{}", http.StatusBadRequest},
		{"no JSON", "POST", "/validate", "application/json", "x", http.StatusBadRequest},
		{"too large", "POST", "/validate", "application/json", strings.Repeat(" ", maxReview+1), http.StatusRequestEntityTooLarge},
		{"alive", "GET", "/healthz", "", "", http.StatusOK},
		{"ready", "GET", "/readyz", "", "", http.StatusOK},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.media)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
		}
	}
	s.Leave()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("ready though it leaves: %d", w.Code)
	}
}

// An answer comes before the API server stops waiting.
func TestTimeOfAnAnswer(t *testing.T) {
	s := newServer(t, "deadline: 8s", nil)
	for query, want := range map[string]time.Duration{
		"": 8 * time.Second, "?timeout=10s": 8 * time.Second, "?timeout=30s": 8 * time.Second, "?timeout=5s": 4500 * time.Millisecond,
		"?timeout=1s": 500 * time.Millisecond, "?timeout=200ms": 100 * time.Millisecond, "?timeout=-1s": 8 * time.Second, "?timeout=x": 8 * time.Second,
	} {
		if got := s.time(httptest.NewRequest("POST", "/validate"+query, nil)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	h := newFakeHaven(t)
	h.say("prod/x:v1", said{Message: strings.Repeat("é", 2000) + "\x1b[31m\n", Reasons: slices.Repeat([]string{strings.Repeat("r", 1000)}, 100)})
	images := slices.Repeat([]string{"registry.test/prod/x:v1"}, 500)
	for _, mode := range []string{"enforce", "warn"} {
		s := newServer(t, h.settings(t)+"mode: "+mode, nil)
		answer := send(t, s, "/validate", asking(t, pod(images...), nil, nil))
		if size := len(encode(t, answer)); size > 32<<10 || bytes.Contains(encode(t, answer), []byte(`\u001b`)) || bytes.Contains(encode(t, answer), []byte(`\n`)) {
			t.Errorf("%s: an answer of %d bytes", mode, size)
		}
		if mode == "warn" && (len(answer.Warnings) != maxTold+1 || !strings.Contains(answer.Warnings[maxTold], "492 more")) {
			t.Errorf("warnings: %v", answer.Warnings)
		}
	}
}

func TestMetrics(t *testing.T) {
	h := world(t)
	s := newServer(t, h.settings(t), nil)
	send(t, s, "/validate", asking(t, pod("registry.test/prod/old:v1", "registry.test/prod/good:v1"), nil, nil))
	send(t, s, "/validate", asking(t, pod("registry.test/prod/good:v1"), nil, nil))
	send(t, s, "/mutate", asking(t, pod("registry.test/prod/good:v1"), nil, nil))
	h.set(func(h *fakeHaven) { h.status = http.StatusBadGateway })
	send(t, s, "/validate", asking(t, pod("registry.test/prod/new:v1"), nil, nil))
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`haven_admission_reviews_total{endpoint="validate",mode="enforce",result="refused"} 2`,
		`haven_admission_reviews_total{endpoint="validate",mode="enforce",result="allowed"} 1`,
		`haven_admission_reviews_total{endpoint="mutate",mode="enforce",result="allowed"} 1`,
		`haven_admission_review_duration_seconds_count{endpoint="validate"} 3`,
		`haven_admission_images_total{outcome="refused"} 2`,
		`haven_admission_verdicts_total{source="cache"} 2`,
		`haven_admission_verdicts_total{source="haven"} 3`,
		`haven_admission_haven_errors_total{reason="status"} 1`,
	} {
		if !strings.Contains(w.Body.String(), line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if !strings.Contains(w.Body.String(), "\nhaven_admission_certificate_end_seconds 1.") {
		t.Error("the certificate's end is missing")
	}
}
