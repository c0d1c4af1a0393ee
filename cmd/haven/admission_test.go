package main

import (
	"strings"
	"testing"
)

func TestAdmissionManifests(t *testing.T) {
	status, text := haven(t, "admission", "manifests", "--image", "registry.test/haven/haven:1", "--haven-url", "https://registry.test", "--no-mutate")
	if status != 0 || !strings.Contains(text, "kind: ValidatingWebhookConfiguration\n") || strings.Contains(text, "MutatingWebhookConfiguration\n") {
		t.Errorf("status %d: %s", status, text)
	}
	if status, text := haven(t, "admission", "manifests", "--image", "Registry.test/haven"); status != 1 || !strings.Contains(text, "image:") {
		t.Errorf("status %d: %s", status, text)
	}
}

// What the manifests start is a command line that there is, with files where they say.
func TestTheManifestsCommandLine(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for _, more := range []string{"--mutate", "--no-mutate"} {
		_, text := haven(t, "admission", "manifests", "--image", "registry.test/haven/haven:1", more)
		_, rest, _ := strings.Cut(text, "          args:\n")
		list, _, _ := strings.Cut(rest, "          ports:\n")
		var args []string
		for line := range strings.Lines(list) {
			arg := strings.TrimPrefix(strings.TrimSpace(line), "- ")
			if strings.HasPrefix(arg, "--policy=") {
				arg = "--policy=" + file(t, "mode: audit\n")
			}
			args = append(args, arg)
		}
		if status, text := haven(t, args...); len(args) < 8 || status != 1 || !strings.Contains(text, "expected to be a pod of a cluster") {
			t.Errorf("%v: status %d: %s", args, status, text)
		}
	}
}

// A webhook that would let everything in, or that no cluster could call, doesn't start.
func TestAdmissionThatIsNotSetUp(t *testing.T) {
	good := file(t, "mode: audit\n")
	for want, args := range map[string][]string{
		"policy: expected a file": {"--self-signed"},
		"self_signed":             {"--policy", good},
		"mode: expected":          {"--self-signed", "--policy", file(t, "mode: strict\n")},
		"kube_api":                {"--self-signed", "--policy", good}, // this is no pod
		"tls_cert_file":           {"--policy", good, "--tls-cert-file", good, "--tls-key-file", good},
	} {
		t.Setenv("KUBERNETES_SERVICE_HOST", "")
		for _, command := range [][]string{{"admission"}, {"admission", "serve"}} {
			if status, text := haven(t, append(command, args...)...); status != 1 || !strings.Contains(text, want) {
				t.Errorf("%v: status %d: %s", args, status, text)
			}
		}
	}
}
