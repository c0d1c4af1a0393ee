//go:build acceptance

package helm

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/havenregistry/haven/internal/admission"
	"github.com/havenregistry/haven/internal/config"
)

// The webhook of the chart has the cluster ask about the same things, by the same rights, as `haven admission manifests`; so does its
// program start: it knows each argument and takes the policy.
func TestAdmissionIsThatOfTheProgram(t *testing.T) {
	r := render(t, "--values", "values/admission.yaml")
	var text bytes.Buffer
	const policy = "haven: {url: 'https://registry.company.com', username_file: u, password_file: p}\nregistries: [{prefix: '*', by: allow}]\n"
	if err := admission.WriteManifests(&text, admission.Manifests{Image: "haven:1", Namespace: namespace, Name: "harbor-haven-admission", Replicas: 2,
		FailurePolicy: "Fail", Mutate: true, RobotSecret: "haven-robot", Policy: policy}); err != nil {
		t.Fatal(err)
	}
	own := rendering{text: text.String(), objects: parse(t, text.String())}
	const chartWide, ownWide = "harbor-harbor-haven-admission", "harbor-haven-admission"
	for kind, parts := range map[string][]string{
		"ValidatingWebhookConfiguration": {"rules", "sideEffects", "admissionReviewVersions", "matchPolicy", "timeoutSeconds", "clientConfig"},
		"MutatingWebhookConfiguration":   {"rules", "sideEffects", "admissionReviewVersions", "matchPolicy", "timeoutSeconds", "clientConfig", "reinvocationPolicy"},
	} {
		for _, part := range parts {
			same(t, kind+" "+part, r.one(t, kind, chartWide).get("webhooks", "0", part), own.one(t, kind, ownWide).get("webhooks", "0", part))
		}
		// Beside what the values add.
		expressions := r.one(t, kind, chartWide).get("webhooks", "0", "namespaceSelector", "matchExpressions").([]any)
		same(t, kind+" namespaces", expressions[:2], own.one(t, kind, ownWide).get("webhooks", "0", "namespaceSelector", "matchExpressions"))
	}
	rules := func(r rendering, kind, name string) any {
		encoded, err := json.Marshal(r.one(t, kind, name)["rules"])
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(encoded), chartWide, ownWide)
	}
	same(t, "ClusterRole", rules(r, "ClusterRole", chartWide), rules(own, "ClusterRole", ownWide))
	same(t, "Role", rules(r, "Role", ownWide), rules(own, "Role", ownWide))

	for _, file := range []string{"values/admission.yaml", "values/admission-cert-manager.yaml", "values/admission-secret.yaml"} {
		r := render(t, "--values", file)
		if _, err := admission.ParsePolicy([]byte(r.one(t, "ConfigMap", ownWide).text("data", "policy.yaml"))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		var args []string
		for _, arg := range r.one(t, "Deployment", ownWide).get("spec", "template", "spec", "containers", "0", "args").([]any)[1:] {
			args = append(args, arg.(string))
		}
		parser, err := kong.New(&config.Admission{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(args); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	a, errA := json.Marshal(got)
	b, errB := json.Marshal(want)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("%s: the chart has %s, the program %s", what, a, b)
	}
}
