package admission

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	strict "sigs.k8s.io/json"

	"go.yaml.in/yaml/v3"
)

func usualManifests() Manifests {
	return Manifests{Image: "registry.test/haven/haven@" + digestA, Namespace: "haven-admission", Name: "haven-admission", Replicas: 2, FailurePolicy: "Fail",
		Mutate: true, RobotSecret: "haven-robot", HavenURL: "https://registry.test"}
}

// objects reads manifests by the official types, strictly, under their kinds.
func objects(t *testing.T, text []byte) map[string]any {
	t.Helper()
	found := map[string]any{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var plain map[string]any
		if err := d.Decode(&plain); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		kind := plain["kind"].(string)
		var object any
		switch kind {
		case "Namespace":
			object = &corev1.Namespace{}
		case "ServiceAccount":
			object = &corev1.ServiceAccount{}
		case "ClusterRole":
			object = &rbacv1.ClusterRole{}
		case "ClusterRoleBinding":
			object = &rbacv1.ClusterRoleBinding{}
		case "Role":
			object = &rbacv1.Role{}
		case "RoleBinding":
			object = &rbacv1.RoleBinding{}
		case "ConfigMap":
			object = &corev1.ConfigMap{}
		case "Service":
			object = &corev1.Service{}
		case "PodDisruptionBudget":
			object = &policyv1.PodDisruptionBudget{}
		case "Deployment":
			object = &appsv1.Deployment{}
		case "ValidatingWebhookConfiguration":
			object = &admissionregistrationv1.ValidatingWebhookConfiguration{}
		case "MutatingWebhookConfiguration":
			object = &admissionregistrationv1.MutatingWebhookConfiguration{}
		default:
			t.Fatalf("an object of the kind %s", kind)
		}
		asJSON, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		unknown, err := strict.UnmarshalStrict(asJSON, object)
		if err != nil || len(unknown) > 0 {
			t.Errorf("%s: %v, %v", kind, unknown, err)
		}
		if found[kind] != nil {
			t.Errorf("%s comes twice", kind)
		}
		found[kind] = object
	}
}

func TestManifests(t *testing.T) {
	var b bytes.Buffer
	if err := WriteManifests(&b, usualManifests()); err != nil {
		t.Fatal(err)
	}
	all := objects(t, b.Bytes())
	if len(all) != 12 {
		t.Errorf("%d objects", len(all))
	}
	policy, err := ParsePolicy([]byte(all["ConfigMap"].(*corev1.ConfigMap).Data["policy.yaml"]))
	if err != nil || policy.Haven.URL != "https://registry.test" || policy.Registries[0].Prefix != "registry.test/" {
		t.Errorf("the policy: %+v, %v", policy, err)
	}
	validating, mutating := all["ValidatingWebhookConfiguration"].(*admissionregistrationv1.ValidatingWebhookConfiguration), all["MutatingWebhookConfiguration"].(*admissionregistrationv1.MutatingWebhookConfiguration)
	var resources []string
	for _, rule := range validating.Webhooks[0].Rules {
		resources = append(resources, rule.Resources...)
	}
	if len(resources) != len(podSpecs)+1 || !slices.Contains(resources, "pods/ephemeralcontainers") {
		t.Errorf("the webhook is called for %v", resources)
	}
	if *validating.Webhooks[0].FailurePolicy != "Fail" || *mutating.Webhooks[0].FailurePolicy != "Fail" || *validating.Webhooks[0].TimeoutSeconds != 10 {
		t.Errorf("got %+v", validating.Webhooks[0])
	}
	excluded := validating.Webhooks[0].NamespaceSelector.MatchExpressions
	if !slices.Equal(excluded[0].Values, []string{"kube-system", "haven-admission"}) || !slices.Equal(excluded[1].Values, []string{"off"}) || excluded[1].Key != ModeLabel {
		t.Errorf("left out: %v", excluded)
	}
}

func TestManifestsAsAsked(t *testing.T) {
	m := usualManifests()
	m.FailurePolicy, m.Mutate, m.Replicas, m.Namespace, m.Policy = "Ignore", false, 3, "door", "mode: audit\nexemptions:\n- {namespace: x, reason: \"a: b # c\"}\n"
	var b bytes.Buffer
	if err := WriteManifests(&b, m); err != nil {
		t.Fatal(err)
	}
	all := objects(t, b.Bytes())
	if all["MutatingWebhookConfiguration"] != nil || all["ConfigMap"].(*corev1.ConfigMap).Data["policy.yaml"] != m.Policy {
		t.Errorf("got %v", all)
	}
	deployment := all["Deployment"].(*appsv1.Deployment)
	if *deployment.Spec.Replicas != 3 || deployment.Namespace != "door" || !slices.Contains(deployment.Spec.Template.Spec.Containers[0].Args, "--mutating-webhook=off") {
		t.Errorf("got %+v", deployment)
	}
	if policy := *all["ValidatingWebhookConfiguration"].(*admissionregistrationv1.ValidatingWebhookConfiguration).Webhooks[0].FailurePolicy; policy != "Ignore" {
		t.Errorf("failurePolicy: %s", policy)
	}
}

func TestManifestsThatWouldNotDo(t *testing.T) {
	for want, change := range map[string]func(m *Manifests){
		"namespace:":      func(m *Manifests) { m.Namespace = "a\nb: c" },
		"service-name:":   func(m *Manifests) { m.Name = "A" },
		"robot-secret:":   func(m *Manifests) { m.RobotSecret = "" },
		"image:":          func(m *Manifests) { m.Image = "x y" },
		"replicas:":       func(m *Manifests) { m.Replicas = 0 },
		"failure-policy:": func(m *Manifests) { m.FailurePolicy = "Maybe" },
		"haven-url:":      func(m *Manifests) { m.HavenURL = "https://a.test/\nmode: off" },
		"policy:":         func(m *Manifests) { m.Policy = "mode: x" },
	} {
		m := usualManifests()
		change(&m)
		var b bytes.Buffer
		if err := WriteManifests(&b, m); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("%s %v, %d bytes", want, err, b.Len())
		}
	}
}
