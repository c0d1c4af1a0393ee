package admission

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const leastHaven = "haven: {url: https://registry.test}\n"

// aKey is a public key, as a flow scalar of YAML.
const aKey = `"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsKZhgJBrVvXo8MgtsUvxyYO0W6LL\nsJFH1k3XjU5LRXApKMo2GGuWtM50DYOxwnEGojx7D+u7EzsdRlbHRVG20g==\n-----END PUBLIC KEY-----\n"`

func signedBy(settings string) string {
	return "registries: [{prefix: a.test/, by: signatures, " + settings + "}]"
}

func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string // of the error, "" for a good one
	}{
		{"nothing", "", "expected a YAML mapping"}, // an empty file is a mistake
		{"only a mode", "mode: audit", ""},
		{"all", leastHaven + `
registries:
- {prefix: registry.test/, by: haven, require_digest: true}
- {prefix: registry.test/open/, by: allow}
- {prefix: docker.io/, by: haven, as: hub/}
- {prefix: "*", by: deny, reason: no}
mode: warn
on_error: allow
require_digest: true
pin: pods
deadline: 5s
cache: {allowed: 5m, refused: 0s, tag: 3s, size: 10}
exemptions:
- {namespace: kube-*, reason: the cluster's own}
- {image: "**", namespace: x, reason: y, until: "2027-01-31T10:00:00+01:00"}
`, ""},
		{"a key that isn't known", "modus: audit", "modus"},
		{"a key that isn't known, deeper", "haven: {adress: x}", "adress"},
		{"a key twice", "mode: audit\nmode: warn", "mode"},
		{"two documents", "mode: audit\n---\nmode: warn", "one YAML document"},
		{"a list", "- a", "mapping"},
		{"a mode that isn't one", "mode: strict", "mode:"},
		{"on_error", "on_error: ignore", "on_error:"},
		{"pin", "pin: yes", "pin:"},
		{"deadline too long", "deadline: 31s", "deadline:"},
		{"deadline without a unit", "deadline: 8", "8s"},
		{"tags for long", "cache: {tag: 11s}", "cache.tag"},
		{"verdicts for ever", "cache: {allowed: 2h}", "cache.allowed"},
		{"no size", "cache: {size: 0}", "cache.size"},
		{"no address", "registries: [{prefix: a.test/, by: haven}]", "haven.url"},
		{"an address with a password", "haven: {url: \"https://u:canary@registry.test\"}", "haven.url"},
		{"an address with a path", "haven: {url: https://registry.test/x}", "haven.url"},
		{"a name without a password", "haven: {url: https://registry.test, username_file: /x}", "haven.username_file"},
		{"no time", "haven: {url: https://registry.test, timeout: 1ms}", "haven.timeout"},
		{"no question at once", "haven: {url: https://registry.test, concurrency: 0}", "haven.concurrency"},
		{"a host without a slash", leastHaven + "registries: [{prefix: registry.test, by: allow}]", "registries[0]: prefix"},
		{"a tag in a prefix", leastHaven + "registries: [{prefix: \"registry.test/a:1\", by: allow}]", "registries[0]: prefix"},
		{"a pattern in a prefix", leastHaven + "registries: [{prefix: registry.test/*, by: allow}]", "registries[0]: prefix"},
		{"a short name", leastHaven + "registries: [{prefix: library/nginx, by: allow}]", ""}, // the host library
		{"a prefix twice", leastHaven + "registries: [{prefix: a.test/, by: allow}, {prefix: a.test/, by: allow}]", "twice"},
		{"nobody decides", leastHaven + "registries: [{prefix: a.test/}]", "by:"},
		{"denied without a reason", leastHaven + "registries: [{prefix: a.test/, by: deny}]", "reason:"},
		{"Haven about everything", leastHaven + "registries: [{prefix: \"*\", by: haven}]", "by:"},
		{"by signatures", signedBy("trust: {signers: [{name: ci, keys: [" + aKey + "]}]}, plain_http: true, networks: [10.0.0.0/8], timeout: 2s, concurrency: 4, credentials_file: x, ca_file: y, token_server: \"https://b.test\""), ""},
		{"by signatures, in a file", signedBy("trust_file: acme.json"), ""},
		{"by signatures of nobody", signedBy("require_digest: true"), "registries[0]: trust: expected either"},
		{"by signatures, twice", signedBy("trust_file: x, trust: {signers: [{name: ci, keys: [" + aKey + "]}]}"), "trust: expected either"},
		{"by signatures of everything", "registries: [{prefix: \"*\", by: signatures, trust_file: x}]", "by: signatures are of a registry"},
		{"a policy with a key that isn't known", signedBy("trust: {signer: []}"), "unknown field \"signer\""},
		{"a policy without signers", signedBy("trust: {roots: {a: {ca: x}}}"), "trust: "},
		{"a policy with a key that is none", signedBy("trust: {signers: [{name: ci, keys: [x]}]}"), "trust: signers[0].keys[0]"},
		{"a policy with a root that isn't there", signedBy("trust: {signers: [{name: ci, identities: [{root: r, subject: s}]}]}"), "there is no root"},
		{"a policy with a rule that is none", signedBy("trust: {signers: [{name: ci, keys: [" + aKey + "]}], require: {attestation: {predicate_type: t, by: ci, rule: \"1 +\"}}}"), "require.attestation.rule"},
		{"a policy that is text", signedBy("trust: acme.json"), "trust: "},
		{"a network that is none", signedBy("trust_file: x, networks: [10.0.0.1]"), "networks[0]"},
		{"no time for signatures", signedBy("trust_file: x, timeout: 1ms"), "timeout:"},
		{"too many at once", signedBy("trust_file: x, concurrency: 1000"), "concurrency:"},
		{"trust where Haven decides", leastHaven + "registries: [{prefix: registry.test/, by: haven, trust_file: x}]", "trust_file: only where by is signatures"},
		{"plain HTTP where nobody asks", "registries: [{prefix: a.test/, by: allow, plain_http: true}]", "plain_http: only where by is signatures"},
		{"as for signatures", signedBy("trust_file: x, as: y/"), "as:"},
		{"as for what is allowed", leastHaven + "registries: [{prefix: a.test/, by: allow, as: x/}]", "as:"},
		{"as without a slash", leastHaven + "registries: [{prefix: a.test/, by: haven, as: x}]", "as:"},
		{"one repository without as", leastHaven + "registries: [{prefix: a.test/b, by: haven}]", "as:"},
		{"an exemption without a reason", "exemptions: [{namespace: x}]", "reason"},
		{"an exemption of blanks", "exemptions: [{namespace: x, reason: ' '}]", "reason"},
		{"an exemption of all", "exemptions: [{reason: x}]", "exemptions[0]"},
		{"an exemption until some time", "exemptions: [{namespace: x, reason: x, until: soon}]", "until"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(c.text))
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary")) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestReadPolicy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if _, err := ReadPolicy(path); err == nil {
		t.Error("read a file that isn't there")
	}
	for text, ok := range map[string]bool{"mode: warn": true, "mode: x": false, "#" + strings.Repeat("x", maxPolicy): false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPolicy(path); (err == nil) != ok || !ok && !strings.Contains(err.Error(), path) {
			t.Errorf("%.20s: %v", text, err)
		}
	}
}

func TestExemptions(t *testing.T) {
	now := time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, exemption, namespace, image string
		want                              bool
	}{
		{"the namespace", "namespace: dev", "dev", "a.test/x", true},
		{"another namespace", "namespace: dev", "development", "a.test/x", false},
		{"namespaces", "namespace: dev-*", "dev-1", "a.test/x", true},
		{"a repository", "image: a.test/x", "n", "a.test/x:7", true},
		{"repositories", "image: a.test/*", "n", "a.test/x", true},
		{"not deeper", "image: a.test/*", "n", "a.test/x/y", false},
		{"deeper", "image: a.test/**", "n", "a.test/x/y", true},
		{"the whole name of Docker Hub's", "image: docker.io/library/nginx", "n", "nginx", true},
		{"a short name is none", "image: nginx", "n", "nginx", false},
		{"a tag", "image: \"a.test/x:7\"", "n", "a.test/x:7", true},
		{"another tag", "image: \"a.test/x:7\"", "n", "a.test/x:8", false},
		{"no tag means latest", "image: \"a.test/x:latest\"", "n", "a.test/x", true},
		{"a tag beside a digest says nothing", "image: \"a.test/x:7\"", "n", "a.test/x:7@" + digestA, false},
		{"a digest", "image: a.test/x@" + digestA, "n", "a.test/x:7@" + digestA, true},
		{"both", "namespace: dev\n  image: a.test/**", "dev", "b.test/x", false},
		{"a dot is a dot", "image: a.test/x", "n", "axtest/x", false},
		{"on the last day", "namespace: dev\n  until: 2027-01-31", "dev", "a.test/x", true},
		{"on the day after", "namespace: dev\n  until: 2027-01-30", "dev", "a.test/x", false},
		{"a moment before", "namespace: dev\n  until: 2027-01-31T23:00:01Z", "dev", "a.test/x", true},
		{"at the moment", "namespace: dev\n  until: 2027-01-31T23:00:00Z", "dev", "a.test/x", false},
	} {
		p, err := ParsePolicy([]byte("exemptions:\n- reason: because\n  " + c.exemption))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		img, err := parseImage(c.image)
		if got := p.exemption(c.namespace, img, now); err != nil || (got == "because") != c.want {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestTheLongestPrefixCounts(t *testing.T) {
	p, err := ParsePolicy([]byte(`
registries:
- {prefix: "*", by: allow}
- {prefix: a.test/, by: deny, reason: r}
- {prefix: a.test/b/, by: allow}
- {prefix: a.test/b/c, by: deny, reason: r}
`))
	if err != nil {
		t.Fatal(err)
	}
	for image, want := range map[string]string{
		"nginx": "*", "a.test/x": "a.test/", "a.test/b": "a.test/", "a.test/b/x": "a.test/b/", "a.test/b/c": "a.test/b/c", "a.test/b/c:1": "a.test/b/c",
		"a.test/b/cc": "a.test/b/", "a.test/b/c/d": "a.test/b/", "a.test:1/b/c": "*",
	} {
		img, err := parseImage(image)
		if got, ok := p.registry(img); err != nil || !ok || got.Prefix != want {
			t.Errorf("%s: %q, %v, want %q", image, got.Prefix, err, want)
		}
	}
}
