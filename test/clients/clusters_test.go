//go:build acceptance

package clients

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

// The kinds of objects that Haven writes of a trust policy.
const (
	clusterPolicy         = "ClusterPolicy"
	imageValidatingPolicy = "ImageValidatingPolicy"
	clusterImagePolicy    = "ClusterImagePolicy"
)

const (
	review = "https://example.org/review" // a type of attestations
	slsa   = "https://slsa.dev/provenance/v1"

	builder = "https://builder.example.org/v1"
	issuer  = "https://ci.example.org"
)

// What Haven writes of a trust policy for those who verify in a cluster is read by Kyverno, and by the tester of Sigstore's policy
// controller, and they decide by it as Haven does on the same images.
func TestClustersDecideTheSame(t *testing.T) {
	server := haventest.Alone.Start(t, haventest.Options{})
	const project = "cluster-trust"
	server.NewProject(t, project, false)
	server.NewMember(t, project, "maker", password, haventest.Maintainer)
	w := &signed{session: newSession(t, server, project, "maker")}
	w.ok(w.tool("crane"), "auth", "login", w.host, "-u", w.user, "-p", password)
	c := &clusters{signed: w}
	c.robot, c.secret = server.NewRobot(t, project, "cluster", [][2]string{{"repository", "pull"}})
	inside, err := json.Marshal(map[string]any{"auths": map[string]any{w.host: map[string]string{
		"auth": base64.StdEncoding.EncodeToString([]byte(c.robot + ":" + c.secret))}}})
	if err := errors.Join(err, os.Mkdir(w.path("cluster"), 0o700)); err != nil {
		t.Fatal(err)
	}
	w.write("cluster/config.json", string(inside))
	c.ship()
	for _, p := range c.policies() {
		c.policy(p.document)
		c.demand(p.by)
		haven := c.verdicts()
		for name, v := range haven {
			if v.allowed != slices.Contains(p.allowed, name) {
				t.Errorf("%s: Haven says of %s: %+v", p.name, name, v)
			}
		}
		c.demandsNothing(p.by) // so that it is the cluster that refuses
		for _, kind := range []string{clusterPolicy, imageValidatingPolicy, clusterImagePolicy} {
			t.Run(p.name+"/"+kind, func(t *testing.T) {
				c.T = t
				c.same(kind, slices.Contains(p.kinds, kind), haven)
			})
			c.T = t
		}
	}
}

// clusters is a project whose trust policy a cluster has too.
type clusters struct {
	*signed
	images        []shipped
	robot, secret string // by which the cluster is let in
	house         string // the authority of the certificate
	notary        string // the certificate of Notation
}

// shipped is an image, and for what of it a cluster is stricter than Haven.
type shipped struct {
	name, image string
	tags        bool // its signatures are under tags, and nowhere else
	bundles     bool // or in bundles
	within      bool // nobody has signed it but as a part of its index
	named       bool // by its tag
}

// unseen says that what Haven lets an image through for is nothing to objects of a kind. Of an ImageValidatingPolicy, kyverno apply plays
// the part only that comes after tags were made digests.
func (s shipped) unseen(kind string) bool {
	return s.within || (s.tags || s.named) && kind == imageValidatingPolicy || s.bundles && kind != imageValidatingPolicy
}

// ship makes images of all sorts; they are called by what becomes of them.
func (c *clusters) ship() {
	c.Helper()
	ours, theirs, ops := c.key("ours"), c.key("theirs"), c.key("ops")
	image := func(name string) string {
		image := name + "@" + c.image(name)
		c.images = append(c.images, shipped{name: name, image: image})
		return image
	}
	last := func() *shipped { return &c.images[len(c.images)-1] }
	cosign := func(verb, key, image string, more ...string) {
		args := []string{verb, "--yes", "--key", key + ".key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry"}
		c.ok(c.tool("cosign"), slices.Concat(args, more, []string{c.ref(image)})...)
	}
	sign := func(key, image string) {
		cosign("sign", key, image)
		cosign("sign", key, image, olderForm)
	}
	attest := func(key, image, predicateType, predicate string) {
		said := []string{"--predicate", c.write("predicate.json", predicate), "--type", predicateType}
		cosign("attest", key, image, said...)
		cosign("attest", key, image, append(said, olderForm)...)
	}
	image("unsigned")
	sign(theirs, image("theirs"))
	sign(ours, image("ours"))
	c.images = append(c.images, shipped{name: "named", image: "ours:1", named: true})
	cosign("sign", ours, image("tag"), olderForm)
	last().tags = true
	cosign("sign", ours, image("bundle"))
	last().bundles = true
	sign(ops, image("ops"))
	both := image("both")
	sign(ours, both)
	sign(ops, both)
	attest(ours, image("attested"), review, `{"reviewers":["ann","bob"]}`)
	reviewed := image("reviewed")
	sign(ours, reviewed)
	attest(ours, reviewed, review, `{"reviewers":["ann","bob"]}`)
	hasty := image("hasty")
	sign(ours, hasty)
	attest(ours, hasty, review, `{"reviewers":["ann"]}`)
	doubtful := image("doubtful")
	sign(ours, doubtful)
	attest(theirs, doubtful, review, `{"reviewers":["ann","bob"]}`)

	for name, by := range map[string]string{"built": builder, "built-elsewhere": builder + "2"} {
		attest(ours, image(name), slsa, `{"buildDefinition":{"buildType":"https://example.org/build"},"runDetails":{"builder":{"id":"`+by+`"}}}`)
	}

	// An index that is signed, with its child as Cosign does that, or without; one that isn't, and its child that is.
	for _, name := range []string{"whole", "index", "loose"} {
		child := c.image(name)
		c.ok(c.tool("crane"), "index", "append", "--insecure", "-m", c.ref(name+"@"+child), "-t", c.ref(name+":all"))
		index := name + "@" + c.digest(name, "all")
		c.images = append(c.images, shipped{name: name, image: index}, shipped{name: name + "-child", image: name + "@" + child, within: name == "index"})
		switch name {
		case "whole":
			cosign("sign", ours, index, "--recursive")
			cosign("sign", ours, index, "--recursive", olderForm)
		case "index":
			sign(ours, index)
		default:
			sign(ours, name+"@"+child)
		}
	}

	ca, key, certificate := c.authority("house", "build@example.org", issuer, time.Now().Add(time.Hour))
	c.house = ca
	cosign("sign", key, image("certified"), olderForm, "--certificate", certificate, "--certificate-chain", c.path("house.ca"))
	c.env = append(c.env, "NOTATION_USERNAME="+c.user, "NOTATION_PASSWORD="+password)
	c.ok(c.tool("notation"), "cert", "generate-test", "--default", "haven.example.org")
	c.ok(c.tool("notation"), "sign", "--insecure-registry", c.ref(image("notary")))
	text, err := os.ReadFile(c.path("notation/localkeys/haven.example.org.crt"))
	if err != nil {
		c.Fatal(err)
	}
	c.notary = string(text)
}

// sent is a policy, what it lets through, and the kinds that can say it.
type sent struct {
	name     string
	document map[string]any
	by       string // the switch that puts it in force
	allowed  []string
	kinds    []string
}

func (c *clusters) policies() []sent {
	all := []string{clusterPolicy, imageValidatingPolicy, clusterImagePolicy}
	by := func(name string) map[string]any { return map[string]any{"signed_by": name} }
	attested := func(more map[string]any) map[string]any {
		more["predicate_type"], more["by"] = review, "ci"
		return map[string]any{"attestation": more}
	}
	keys := func(require map[string]any) map[string]any {
		return map[string]any{"require": require, "signers": []any{
			map[string]any{"name": "ci", "keys": []string{c.public("ours")}},
			map[string]any{"name": "ops", "keys": []string{c.public("ops")}},
		}}
	}
	anyOf := func(rules ...any) map[string]any { return map[string]any{"any_of": rules} }
	allOf := func(rules ...any) map[string]any { return map[string]any{"all_of": rules} }
	ours := []string{"ours", "named", "tag", "bundle", "both", "reviewed", "hasty", "doubtful", "whole", "whole-child", "index", "index-child", "loose-child"}
	const cosign, notation = "enable_content_trust_cosign", "enable_content_trust"
	return []sent{
		{"a key", keys(by("ci")), cosign, ours, all},
		{"either of two", keys(anyOf(by("ops"), by("ci"))), cosign, append(ours, "ops"), all},
		{"any of two", map[string]any{"signers": keys(nil)["signers"]}, cosign, append(ours, "ops"), all},
		{"both of two", keys(allOf(by("ops"), by("ci"))), cosign, []string{"both"}, all},
		{"an attestation", keys(attested(map[string]any{})), cosign, []string{"attested", "reviewed", "hasty"}, all},
		{"a key and an attestation", keys(allOf(by("ci"), attested(map[string]any{}))), cosign, []string{"reviewed", "hasty"}, all},
		{"a key and what is attested", keys(allOf(by("ci"), attested(map[string]any{"rule": "predicate.reviewers.size() >= 2"}))), cosign,
			[]string{"reviewed"}, []string{imageValidatingPolicy}},
		{"a key or an attestation", keys(anyOf(by("ops"), attested(map[string]any{}))), cosign, []string{"ops", "both", "attested", "reviewed", "hasty"},
			[]string{imageValidatingPolicy, clusterImagePolicy}},
		{"a builder", keys(map[string]any{"attestation": map[string]any{"predicate_type": slsa, "by": "ci", "builder": builder}}), cosign,
			[]string{"built"}, []string{clusterPolicy, imageValidatingPolicy}},
		{"a certificate", map[string]any{
			"roots": map[string]any{"house": map[string]any{"ca": c.house}},
			"signers": []any{map[string]any{"name": "ci", "identities": []any{
				map[string]any{"root": "house", "issuer": issuer, "subject_regexp": `.*@example\.org`}}}},
		}, cosign, []string{"certified"}, []string{clusterPolicy}},
		{"another certificate", map[string]any{
			"roots": map[string]any{"house": map[string]any{"ca": c.house}},
			"signers": []any{map[string]any{"name": "ci", "identities": []any{
				map[string]any{"root": "house", "issuer": issuer, "subject_regexp": `build@example\.or`}}}},
		}, cosign, nil, []string{clusterPolicy}},
		{"Notation", map[string]any{"signers": []any{map[string]any{"name": "release", "notation": map[string]any{
			"certificates": c.notary, "identities": []string{"*"}}}}}, notation, []string{"notary"}, []string{clusterPolicy, imageValidatingPolicy}},
	}
}

func (c *clusters) demandsNothing(by string) {
	c.Helper()
	c.server.Admin(c.T, http.StatusOK, http.MethodPut, "/api/v2.0/projects/"+c.project, map[string]any{"metadata": map[string]string{by: "false"}})
}

// verdicts are Haven's, by name.
func (c *clusters) verdicts() map[string]said {
	c.Helper()
	var asked []string
	for _, s := range c.images {
		asked = append(asked, c.project+"/"+s.image)
	}
	a := c.server.Call(c.T, c.robot, c.secret, http.MethodPost, "/api/haven/v1/evaluate", map[string]any{"images": asked})
	var answer struct {
		Verdicts []struct {
			Allowed bool
			Message string
		}
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil || a.Status != http.StatusOK || len(answer.Verdicts) != len(asked) {
		c.Fatalf("evaluate: status %d: %s", a.Status, a.Body)
	}
	verdicts := map[string]said{}
	for i, s := range c.images {
		verdicts[s.name] = said{answer.Verdicts[i].Allowed, answer.Verdicts[i].Message}
	}
	return verdicts
}

// same has a program decide by what Haven writes, where that can be written.
func (c *clusters) same(kind string, written bool, haven map[string]said) {
	c.Helper()
	a := c.server.Call(c.T, "admin", haventest.AdminPassword, http.MethodGet, "/api/haven/v1/projects/"+c.project+"/signature-policy/kubernetes?kind="+kind, nil)
	if !written {
		if a.Status != http.StatusBadRequest || !strings.Contains(string(a.Body), kind+" can't say") {
			c.Fatalf("status %d: %s", a.Status, a.Body)
		}
		return
	}
	if a.Status != http.StatusOK {
		c.Fatalf("status %d: %s", a.Status, a.Body)
	}
	file := c.write("policy.yaml", string(a.Body))
	decide := c.kyverno
	if kind == clusterImagePolicy {
		decide = c.policyController
	}
	verdicts := decide(file)
	for _, s := range c.images {
		got, ok := verdicts[s.name]
		if want := haven[s.name].allowed && !s.unseen(kind); !ok || got.allowed != want {
			c.Errorf("%s: %+v, Haven says %+v", s.name, got, haven[s.name])
		}
		for _, word := range []string{"unauthorized", "denied", "connection", "timeout", "unsupported"} {
			if strings.Contains(strings.ToLower(got.words), word) {
				c.Errorf("%s is refused for another reason: %s", s.name, got.words)
			}
		}
	}
	if c.Failed() {
		c.Logf("%s", a.Body)
	}
}

// said is what a program says of an image.
type said struct {
	allowed bool
	words   string
}

func (c *clusters) inCluster(program string, args ...string) (string, error) {
	cmd := exec.CommandContext(c.Context(), program, args...)
	cmd.Dir, cmd.Env = c.home, append(slices.Clone(c.env), "DOCKER_CONFIG="+c.path("cluster"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *clusters) kyverno(policy string) map[string]said {
	c.Helper()
	var pods strings.Builder
	for _, s := range c.images {
		fmt.Fprintf(&pods, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: default}\nspec:\n  containers:\n  - {name: app, image: %q}\n  - {name: beside, image: \"registry.example.org/elsewhere:1\"}\n", s.name, c.ref(s.image))
	}
	out, err := c.inCluster(c.tool("kyverno"), "apply", policy, "--resource", c.write("pods.yaml", pods.String()), "--registry", "--policy-report", "--output-format", "json")
	var report struct {
		Results []struct {
			Result, Message, Description string
			Resources                    []struct{ Name string }
		}
	}
	start := max(0, strings.Index(out, "\n{")) // after warnings
	if wrong := json.Unmarshal([]byte(out[start:]), &report); wrong != nil || len(report.Results) == 0 {
		c.Fatalf("kyverno apply: %v, %v\n%s", err, wrong, out)
	}
	verdicts := map[string]said{}
	for _, r := range report.Results {
		v, again := verdicts[r.Resources[0].Name]
		verdicts[r.Resources[0].Name] = said{r.Result == "pass" && (v.allowed || !again), v.words + "\n" + r.Message + r.Description}
	}
	return verdicts
}

func (c *clusters) policyController(policy string) map[string]said {
	c.Helper()
	verdicts := map[string]said{}
	for _, s := range c.images {
		out, err := c.inCluster(c.tool("policy-tester"), "--policy", policy, "--image", c.ref(s.image), "--log-level", "error")
		if err != nil && !strings.Contains(out, `"errors"`) {
			c.Fatalf("%s: %v\n%s", s.name, err, out)
		}
		verdicts[s.name] = said{err == nil, out}
	}
	return verdicts
}
