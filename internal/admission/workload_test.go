package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// spec has an image at each place that can name one.
func spec() corev1.PodSpec {
	return corev1.PodSpec{
		InitContainers:      []corev1.Container{{Name: "i", Image: "init:1"}, {Name: "i2", Image: "init:2"}},
		Containers:          []corev1.Container{{Name: "c", Image: "app:1"}},
		EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "e", Image: "debug:1"}}},
		Volumes:             []corev1.Volume{{Name: "empty"}, {Name: "v", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "model:1"}}}},
	}
}

func everyKind() []struct {
	group, kind, at string
	object          any
} {
	template := corev1.PodTemplateSpec{Spec: spec()}
	return []struct {
		group, kind, at string
		object          any
	}{
		{"", "Pod", "/spec", corev1.Pod{Spec: spec()}},
		{"", "PodTemplate", "/template/spec", corev1.PodTemplate{Template: template}},
		{"", "ReplicationController", "/spec/template/spec", corev1.ReplicationController{Spec: corev1.ReplicationControllerSpec{Template: &template}}},
		{"apps", "Deployment", "/spec/template/spec", appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: template}}},
		{"apps", "StatefulSet", "/spec/template/spec", appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: template}}},
		{"apps", "DaemonSet", "/spec/template/spec", appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Template: template}}},
		{"apps", "ReplicaSet", "/spec/template/spec", appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: template}}},
		{"batch", "Job", "/spec/template/spec", batchv1.Job{Spec: batchv1.JobSpec{Template: template}}},
		{"batch", "CronJob", "/spec/jobTemplate/spec/template/spec", batchv1.CronJob{Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}}},
	}
}

func TestEveryKindThatMakesPods(t *testing.T) {
	kinds := everyKind()
	if len(kinds) != len(podSpecs) {
		t.Errorf("%d kinds are known, %d are tested", len(podSpecs), len(kinds))
	}
	for _, k := range kinds {
		t.Run(k.kind, func(t *testing.T) {
			uses, err := newUses(&request{Kind: kind{Group: k.group, Version: "v1", Kind: k.kind}, Operation: operationCreate, Object: encode(t, k.object)})
			if err != nil {
				t.Fatal(err)
			}
			want := []use{
				{k.at + "/initContainers/0/image", `init container "i"`, "init:1"},
				{k.at + "/initContainers/1/image", `init container "i2"`, "init:2"},
				{k.at + "/containers/0/image", `container "c"`, "app:1"},
				{k.at + "/ephemeralContainers/0/image", `ephemeral container "e"`, "debug:1"},
				{k.at + "/volumes/1/image/reference", `volume "v"`, "model:1"},
			}
			if !slices.Equal(uses, want) {
				t.Errorf("got %v, want %v", uses, want)
			}
		})
	}
}

func TestUpdates(t *testing.T) {
	moved := pod("a:1", "b:1")
	moved.Spec.Containers[0], moved.Spec.Containers[1] = moved.Spec.Containers[1], moved.Spec.Containers[0]
	swapped := pod("b:1", "a:1")
	labelled := pod("a:1", "b:1")
	labelled.Labels = map[string]string{"x": "y"}
	debugged := pod("a:1", "b:1")
	debugged.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "e", Image: "a:1"}}}
	for _, c := range []struct {
		name string
		to   *corev1.Pod
		sub  string
		want []string // containers
	}{
		{"nothing", pod("a:1", "b:1"), "", nil},
		{"a label", labelled, "", nil},
		{"another order", moved, "", nil},
		{"one image", pod("a:1", "b:2"), "", []string{`container "c1"`}},
		{"images change places", swapped, "", []string{`container "c0"`, `container "c1"`}},
		{"a container more", pod("a:1", "b:1", "a:1"), "", []string{`container "c2"`}},
		{"an ephemeral container", debugged, ephemeral, []string{`ephemeral container "e"`}},
		{"the status", pod("z:1"), "status", nil},
		{"the binding", pod("z:1"), "binding", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			uses, err := newUses(&request{Kind: kind{Version: "v1", Kind: "Pod"}, SubResource: c.sub, Operation: operationUpdate, Object: encode(t, c.to), OldObject: encode(t, pod("a:1", "b:1"))})
			var got []string
			for _, u := range uses {
				got = append(got, u.container)
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestObjectsThatAreOdd(t *testing.T) {
	many := pod(slices.Repeat([]string{"a:1"}, maxUses+1)...)
	for _, c := range []struct {
		name   string
		r      request
		object string
		want   string // of the error
	}{
		{"no template", request{Kind: kind{Kind: "ReplicationController"}}, `{"spec":{"template":null}}`, ""},
		{"no object", request{Kind: kind{Kind: "Pod"}}, `null`, ""},
		{"a kind of somebody else", request{Kind: kind{Group: "argoproj.io", Kind: "Rollout"}}, `{}`, "Rollout"},
		{"a pod of another group", request{Kind: kind{Group: "example.com", Kind: "Pod"}}, `{}`, "Pod"},
		{"a list for an object", request{Kind: kind{Kind: "Pod"}}, `[]`, "object"},
		{"text for containers", request{Kind: kind{Kind: "Pod"}}, `{"spec":{"containers":"x"}}`, "/spec"},
		{"a number for an image", request{Kind: kind{Kind: "Pod"}}, `{"spec":{"containers":[{"image":1}]}}`, "/spec"},
		{"the spec twice", request{Kind: kind{Kind: "Pod"}}, `{"spec":{},"spec":{"containers":[{"image":"a"}]}}`, "duplicate"},
		{"an image twice", request{Kind: kind{Kind: "Pod"}}, `{"spec":{"containers":[{"image":"a","image":"b"}]}}`, "duplicate"},
		{"too many images", request{Kind: kind{Kind: "Pod"}}, string(encode(t, many)), "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Operation, c.r.Object = operationCreate, json.RawMessage(c.object)
			uses, err := newUses(&c.r)
			if c.want == "" && (err != nil || len(uses) > 0) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, %v; want %q", uses, err, c.want)
			}
		})
	}
	if _, err := newUses(&request{Kind: kind{Kind: "Rollout"}, Operation: operationCreate}); !errors.Is(err, errKind) {
		t.Errorf("got %v", err)
	}
	for _, operation := range []string{"DELETE", "CONNECT"} {
		if uses, err := newUses(&request{Kind: kind{Kind: "Pod"}, Operation: operation, Object: encode(t, pod("a:1"))}); err != nil || uses != nil {
			t.Errorf("%s: %v, %v", operation, uses, err)
		}
	}
}

// The types here agree with the official ones, and upper case is no way to write a field.
func TestReviewsAreReadAsTheyAreWritten(t *testing.T) {
	dry := true
	body := asking(t, pod("a:1"), pod("a:0"), func(r *admissionv1.AdmissionRequest) {
		r.SubResource, r.DryRun, r.UserInfo.Username = "ephemeralcontainers", &dry, "somebody"
		r.Kind = metav1.GroupVersionKind{Group: "g", Version: "v", Kind: "K"}
	})
	r, err := parseReview(body)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(r.UID, r.Kind, r.SubResource, r.Name, r.Namespace, r.Operation, r.UserInfo.Username, r.isDryRun(), string(r.Object), string(r.OldObject))
	want := fmt.Sprint("705ab4f5-6393-11e8-b7cc-42010a800002", kind{"g", "v", "K"}, "ephemeralcontainers", "p", "default", "UPDATE", "somebody", true, string(encode(t, pod("a:1"))), string(encode(t, pod("a:0"))))
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, text := range map[string]string{
		"nothing": ``, "null": `null`, "a list": `[]`, "no request": `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`,
		"another version": `{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"u"}}`,
		"another kind":    `{"apiVersion":"admission.k8s.io/v1","kind":"Pod","request":{"uid":"u"}}`,
		"no uid":          `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}`,
		"uid by case":     `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"UID":"u"}}`,
		"uid twice":       `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","uid":"v"}}`,
		"more behind it":  `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u"}}{}`,
	} {
		if r, err := parseReview([]byte(text)); !errors.Is(err, errReview) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}

func FuzzReview(f *testing.F) {
	for _, k := range everyKind() {
		f.Add(asking(f, k.object, nil, func(r *admissionv1.AdmissionRequest) {
			r.Kind = metav1.GroupVersionKind{Group: k.group, Version: "v1", Kind: k.kind}
		}))
	}
	f.Add(asking(f, pod("a:1"), pod("b:1"), nil))
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE","kind":{"kind":"Pod"},"object":{"spec":{"containers":[null]}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseReview(body)
		if err != nil {
			return
		}
		uses, err := newUses(r)
		if err != nil {
			return
		}
		subject(r)
		j := &judge{policy: &Policy{}, clock: time.Now}
		for _, u := range uses {
			if ruled, q := j.byItself(r.Namespace, u.image, false); ruled.outcome != refused || q.to != nil {
				t.Errorf("%q is let through by a policy that names no registry", u.image)
			}
		}
	})
}
