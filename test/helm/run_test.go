//go:build acceptance

package helm

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/notice/redistest"
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

// start runs a real Haven as a pod of the workload would: with the environment and the files of the rendering, in folders that stand
// for the pod's.
func (r rendering) start(t *testing.T, workload object) (server *haventest.Server, root string) {
	t.Helper()
	root = t.TempDir()
	inRoot := strings.NewReplacer("/data", filepath.Join(root, "data"), "/etc/haven", filepath.Join(root, "etc"))
	files := map[string]string{"config/haven.yaml": inRoot.Replace(r.one(t, "ConfigMap", "harbor-haven").text("data", "haven.yaml"))}
	key, err := base64.StdEncoding.DecodeString(r.one(t, "Secret", "harbor-haven").text("data", "secretKey"))
	if err != nil {
		t.Fatal(err)
	}
	files["secret-key/secretKey"] = string(key)
	for name, text := range files {
		path := filepath.Join(root, "etc", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	var env []string
	for _, variable := range r.environment(t, workload) {
		env = append(env, inRoot.Replace(variable))
	}
	return haventest.Start(t, haventest.Options{Plain: true, Env: append(env, "HAVEN_DATA_DIR="+filepath.Join(root, "data"))}), root
}

// ask asks as the administrator of the manual, by a host name.
func ask(t *testing.T, server *haventest.Server, host, path string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	request.SetBasicAuth("admin", "a-password-of-ours")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// A real Haven starts with what the chart gives it, and does what the values say.
func TestHavenRunsOnTheSettings(t *testing.T) {
	r := render(t, append(manual, "--set", "secretKey=a key of Harbor's kind", "--set", "trivy.skipUpdate=true", "--set-json", `core.configureUserSettings={"project_creation_restriction":"adminonly"}`)...)
	server, root := r.start(t, r.one(t, "StatefulSet", "harbor-haven"))
	if status, text := ask(t, server, "registry.company.com", "/api/v2.0/configurations"); status != http.StatusOK || !strings.Contains(text, `"adminonly"`) {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := ask(t, server, "elsewhere.company.com", "/api/v2.0/configurations"); status != http.StatusMisdirectedRequest {
		t.Errorf("another name: %d", status)
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

// Two pods on a PostgreSQL, a Redis and an object store from elsewhere are one registry.
func TestPodsOnExternalPartsAreOneRegistry(t *testing.T) {
	database, err := url.Parse(haventest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	queue, store := redistest.Start(t), haventest.StartS3(t)
	values := map[string]any{}
	for name, value := range map[string]any{
		"externalURL": "https://registry.company.com", "expose.ingress.hosts.core": "registry.company.com", "harborAdminPassword": "a-password-of-ours",
		"secretKey": "a key of Harbor's kind", "core.replicas": 2, "trivy.skipUpdate": true,
		"database.type": "external", "database.external.host": database.Hostname(), "database.external.port": database.Port(),
		"database.external.username": "haven", "database.external.coreDatabase": "postgres",
		"redis.type": "external", "redis.external.addr": queue.Address, "redis.external.password": queue.Password,
		"persistence.imageChartStorage.type": "s3", "persistence.imageChartStorage.s3.bucket": "blobs", "persistence.imageChartStorage.s3.region": "us-east-1",
		"persistence.imageChartStorage.s3.regionendpoint": "http://" + store.Host,
		"persistence.imageChartStorage.s3.accesskey":      "test", "persistence.imageChartStorage.s3.secretkey": haventest.StoreSecret,
	} {
		set(values, name, value)
	}
	r := render(t, "--values", writeYAML(t, values))
	for range 2 {
		server, _ := r.start(t, r.one(t, "Deployment", "harbor-haven"))
		status, text := ask(t, server, "registry.company.com", "/api/v2.0/health")
		if status != http.StatusOK || !strings.Contains(text, `"redis"`) || strings.Contains(text, "unhealthy") {
			t.Errorf("%d %s", status, text)
		}
	}
}
