//go:build acceptance

package helm

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

// environment is that of the container haven, with what it takes from the Secrets that were rendered.
func (r rendering) environment(t *testing.T, workload object) (env []string) {
	t.Helper()
	all, _ := workload.get("spec", "template", "spec", "containers", "0", "env").([]any)
	for _, one := range all {
		variable := object(one.(map[string]any))
		value := variable.text("value")
		if secret := variable.text("valueFrom", "secretKeyRef", "name"); secret != "" {
			plain, err := base64.StdEncoding.DecodeString(r.one(t, "Secret", secret).text("data", variable.text("valueFrom", "secretKeyRef", "key")))
			if err != nil {
				t.Fatal(err)
			}
			value = string(plain)
		}
		env = append(env, variable.text("name")+"="+value)
	}
	return env
}

// A real Haven starts with what the chart gives it, in folders that stand for the pod's, and does what the values say.
func TestHavenRunsOnTheSettings(t *testing.T) {
	r := render(t, append(manual, "--set", "secretKey=a key of Harbor's kind", "--set", "trivy.skipUpdate=true", "--set-json", `core.configureUserSettings={"project_creation_restriction":"adminonly"}`)...)
	root := t.TempDir()
	inRoot := strings.NewReplacer("/data", filepath.Join(root, "data"), "/etc/haven", filepath.Join(root, "etc"))
	files := map[string]string{"etc/config/haven.yaml": inRoot.Replace(r.one(t, "ConfigMap", "harbor-haven").text("data", "haven.yaml"))}
	key, err := base64.StdEncoding.DecodeString(r.one(t, "Secret", "harbor-haven").text("data", "secretKey"))
	if err != nil {
		t.Fatal(err)
	}
	files["etc/secret-key/secretKey"] = string(key)
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	var env []string
	for _, variable := range r.environment(t, r.one(t, "StatefulSet", "harbor-haven")) {
		env = append(env, inRoot.Replace(variable))
	}
	server := haventest.Start(t, haventest.Options{Plain: true, Env: append(env, "HAVEN_DATA_DIR="+filepath.Join(root, "data"))})
	for host, status := range map[string]int{"registry.company.com": http.StatusOK, "elsewhere.company.com": http.StatusMisdirectedRequest} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v2.0/configurations", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		request.SetBasicAuth("admin", "a-password-of-ours")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("%s answers %d, expected %d", host, answer.StatusCode, status)
		}
	}
	for _, made := range []string{"data/haven.db", "data/storage"} {
		if _, err := os.Stat(filepath.Join(root, made)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "data", "secret-key")); err == nil {
		t.Error("a key was made beside the one that was given")
	}
}
