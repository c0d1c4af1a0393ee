//go:build acceptance

package clients

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
)

// Only what a project's trust policy accepts can be pulled, whoever pushed it and whatever is attached to it.
func TestOnlyTrustedIsPulled(t *testing.T) {
	dockerHost := haventest.StartDocker(t)
	cases := []struct {
		name string
		use  func(w *signed)
	}{
		{"keys", keys},
		{"cosign2", cosign2},
		{"forgeries", forgeries},
		{"indexes", indexes},
		{"certificates", certificates},
		{"attestations", attestations},
		{"notation", notary},
		{"presence", presence},
		{"tags", beforeTags},
	}
	haventest.OnEachSize(t, func(t *testing.T, size haventest.Size) {
		server := size.Start(t, haventest.Options{})
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				project := c.name + "-trust"
				server.NewProject(t, project, false)
				server.NewMember(t, project, c.name+"-maker", password, haventest.Maintainer)
				server.NewMember(t, project, c.name+"-runner", password, haventest.Guest)
				w := &signed{session: newSession(t, server, project, c.name+"-maker"), docker: dockerHost, runner: c.name + "-runner"}
				w.ok(w.tool("crane"), "auth", "login", w.host, "-u", w.user, "-p", password)
				w.env = append(w.env, "NOTATION_USERNAME="+w.user, "NOTATION_PASSWORD="+password)
				c.use(w)
			})
		}
	}, haventest.Alone, haventest.Replicated)
}

// signed is a project in which somebody makes and signs images, and somebody else runs them.
type signed struct {
	*session
	docker string // its daemon
	runner string
	agent  string // what it calls itself
}

// image pushes one and returns its digest.
func (w *signed) image(repository string) string {
	w.Helper()
	w.ok(w.tool("crane"), "push", "--insecure", haventest.NewImage(w.T, "made:1"), w.ref(repository+":1"))
	return w.digest(repository, "1")
}

func (w *signed) policy(document any) {
	w.Helper()
	w.server.Admin(w.T, http.StatusOK, http.MethodPut, "/api/haven/v1/projects/"+w.project+"/signature-policy", document)
}

// demand sets one of the project's switches.
func (w *signed) demand(name string) {
	w.Helper()
	w.server.Admin(w.T, http.StatusOK, http.MethodPut, "/api/v2.0/projects/"+w.project, map[string]any{"metadata": map[string]string{name: "true"}})
}

// pull is what the runner's pull by crane, which asks as a cluster does, says; "" when it works.
func (w *signed) pull(image string) string {
	w.Helper()
	token := w.server.Token(w.T, w.runner, password, "repository:"+w.project+"/"+repositoryOf(image)+":pull")
	reference := image[strings.LastIndexAny(image, ":@")+1:]
	if at := strings.IndexByte(image, '@'); at >= 0 {
		reference = image[at+1:]
	}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.server.URL+"/v2/"+w.project+"/"+repositoryOf(image)+"/manifests/"+reference, nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("User-Agent", w.agent)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return ""
	}
	var body struct {
		Errors []struct{ Code, Message string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || len(body.Errors) != 1 || resp.StatusCode != http.StatusPreconditionFailed || body.Errors[0].Code != "PROJECTPOLICYVIOLATION" {
		w.Fatalf("pull of %s: status %d, %v, %v", image, resp.StatusCode, body, err)
	}
	return body.Errors[0].Message
}

func repositoryOf(image string) string { return image[:strings.IndexAny(image, ":@")] }

func (w *signed) mayPull(image string) {
	w.Helper()
	if said := w.pull(image); said != "" {
		w.Fatalf("pull of %s is refused: %s", image, said)
	}
}

// mayNotPull demands a refusal that says all of the words.
func (w *signed) mayNotPull(image string, words ...string) {
	w.Helper()
	said := w.pull(image)
	for _, word := range words {
		if said == "" || !strings.Contains(said, word) {
			w.Fatalf("pull of %s says %q, want a refusal with %q", image, said, word)
		}
	}
}

// signature is one as the API shows it.
type signature struct {
	Digest, Format, State, By, Reason string
	Signers                           []string
	PredicateType                     string `json:"predicate_type"`
}

func (w *signed) signatures(repository, reference string) []signature {
	w.Helper()
	return w.standing(repository, reference).Signatures
}

// standing is what the API says of an artifact's signatures.
func (w *signed) standing(repository, reference string) (answer struct {
	Statement  bool
	Signatures []signature
}) {
	w.Helper()
	a := w.server.Admin(w.T, http.StatusOK, http.MethodGet, "/api/haven/v1/projects/"+w.project+"/repositories/"+repository+"/artifacts/"+reference+"/signatures", nil)
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		w.Fatal(err)
	}
	return answer
}

// key makes a key pair and returns the name of its files without their ends.
func (w *signed) key(name string) string {
	w.Helper()
	w.ok(w.tool("cosign"), "generate-key-pair", "--output-key-prefix", name)
	return name
}

func (w *signed) public(key string) string {
	w.Helper()
	text, err := os.ReadFile(w.path(key + ".pub"))
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

// sign signs an image by digest, in the older form too when it is asked for.
func (w *signed) sign(key, image string, more ...string) {
	w.Helper()
	w.ok(w.tool("cosign"), "login", w.host, "-u", w.user, "-p", password)
	args := []string{"sign", "--yes", "--key", key + ".key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry"}
	w.ok(w.tool("cosign"), slices.Concat(args, more, []string{w.ref(image)})...)
}

const olderForm = "--new-bundle-format=false"

func signedBy(name, publicKey string) map[string]any {
	return map[string]any{
		"signers": []any{map[string]any{"name": name, "keys": []string{publicKey}}},
		"require": map[string]any{"signed_by": name},
	}
}

func keys(w *signed) {
	ours, theirs := w.key("ours"), w.key("theirs")
	w.policy(signedBy("ci", w.public(ours)))
	digest := w.image("app")
	image := "app@" + digest
	w.mayPull(image) // nothing is demanded yet
	w.demand("enable_content_trust_cosign")
	w.mayNotPull(image, "The image is not signed by cosign.", `"ci"`)
	w.mayNotPull("app:1", "The image is not signed by cosign.")

	w.sign(theirs, image)
	w.sign(theirs, image, olderForm)
	w.mayNotPull(image, `"ci"`)
	w.sign(ours, image)
	w.mayPull(image)
	w.mayPull("app:1")
	verified := 0
	for _, s := range w.signatures("app", digest) {
		switch s.State {
		case "verified":
			verified++
			if !slices.Equal(s.Signers, []string{"ci"}) || !strings.HasPrefix(s.By, "key SHA256:") {
				w.Errorf("verified: %+v", s)
			}
		case "unverified":
			if s.Reason == "" {
				w.Errorf("unverified without a reason: %+v", s)
			}
		default:
			w.Errorf("%+v", s)
		}
	}
	tagged := w.standing("app", strings.Replace(digest, ":", "-", 1)+".sig")
	if of := w.standing("app", digest); of.Statement || !tagged.Statement {
		w.Errorf("an image is a statement: %v, a signature: %v", of.Statement, tagged.Statement)
	}
	if verified != 1 {
		w.Errorf("%d verified signatures: %+v", verified, w.signatures("app", digest))
	}

	// Who calls itself a client that signs has to have the right.
	w.agent = "cosign/v3.1.3"
	w.mayNotPull("other@"+w.image("other"), `"ci"`)
	w.agent = ""

	// The same by Docker.
	w.env = append(w.env, "DOCKER_HOST="+w.docker)
	other := "other@" + w.digest("other", "1")
	w.okInput(password, w.tool("docker"), "login", w.host, "-u", w.runner, "--password-stdin")
	w.ok(w.tool("docker"), "pull", w.ref(image))
	w.refused([]string{"not signed by cosign"}, w.tool("docker"), "pull", w.ref(other))
	w.ok(w.tool("crane"), "auth", "login", w.host, "-u", w.user, "-p", password)
	w.sign(ours, other, olderForm)
	w.okInput(password, w.tool("docker"), "login", w.host, "-u", w.runner, "--password-stdin")
	w.ok(w.tool("docker"), "pull", w.ref(other))

	// Another policy is in force at once, and so is the one before.
	w.policy(signedBy("release", w.public(theirs)))
	w.mayPull(image)
	w.mayNotPull(other, `"release"`)
	w.policy(signedBy("ci", w.public(ours)))
	w.mayPull(other)

	// So is the end of a signature.
	for _, s := range w.signatures("other", "1") {
		w.server.Admin(w.T, http.StatusOK, http.MethodDelete, "/api/v2.0/projects/"+w.project+"/repositories/other/artifacts/"+s.Digest, nil)
	}
	w.mayNotPull(other, `"ci"`)

	w.evaluated(image, true)
	w.evaluated(other, false, "unsigned")
	w.evaluated("nosuch:1", false, "unknown")
}

// cosign2 signs as before bundles: under tags, and as referrers.
func cosign2(w *signed) {
	program := w.tool("cosign2")
	w.ok(program, "generate-key-pair", "--output-key-prefix", "ours")
	const issuer, predicateType = "https://ci.example.org", "https://example.org/review"
	ours, theirs := "ours", w.key("theirs")
	ca, key, certificate := w.authority("house", "build@example.org", issuer, time.Now().Add(time.Hour))
	one := w.image("all")
	w.ok(w.tool("crane"), "index", "append", "--insecure", "-m", w.ref("all@"+one), "-t", w.ref("all:all"))
	index := "all@" + w.digest("all", "all")
	byKey := signedBy("ci", w.public(ours))
	w.policy(byKey)
	w.demand("enable_content_trust_cosign")
	w.ok(program, "login", w.host, "-u", w.user, "-p", password)
	w.env = append(w.env, "COSIGN_EXPERIMENTAL=1") // for referrers
	quiet := []string{"--yes", "--tlog-upload=false", "--allow-http-registry"}
	sign := func(key, image string, more ...string) {
		w.ok(program, slices.Concat([]string{"sign", "--key", key + ".key"}, quiet, more, []string{w.ref(image)})...)
	}
	for _, mode := range []string{"legacy", "oci-1-1"} {
		image := mode + "@" + w.image(mode)
		w.mayNotPull(image, "The image is not signed by cosign.", `"ci"`)
		sign(theirs, image, "--registry-referrers-mode="+mode)
		w.mayNotPull(image, `"ci"`)
		sign(ours, image, "--registry-referrers-mode="+mode)
		w.mayPull(image)
		w.ok(program, "verify", "--key", "ours.pub", "--insecure-ignore-tlog=true", "--allow-http-registry", "--experimental-oci11="+strconv.FormatBool(mode == "oci-1-1"), w.ref(image))
	}
	w.mayNotPull(index, `"ci"`)
	sign(ours, index)
	w.mayPull(index)
	w.mayPull("all@" + one)

	w.policy(map[string]any{"signers": byKey["signers"], "require": map[string]any{"attestation": map[string]any{"predicate_type": predicateType, "by": "ci"}}})
	w.mayNotPull(index, predicateType)
	w.ok(program, slices.Concat([]string{"attest", "--key", ours + ".key", "--predicate", w.write("predicate.json", `{"reviewers":["ann"]}`), "--type", predicateType}, quiet, []string{w.ref(index)})...)
	w.mayPull(index)

	w.policy(map[string]any{
		"roots":   map[string]any{"house": map[string]any{"ca": ca}},
		"signers": []any{map[string]any{"name": "ci", "identities": []any{map[string]any{"root": "house", "issuer": issuer, "subject": "build@example.org"}}}},
	})
	w.mayNotPull(index, "not signed by cosign")
	sign(key, index, "--certificate", certificate, "--certificate-chain", w.path("house.ca"))
	w.mayPull(index)
}

// evaluated checks what another door is told.
func (w *signed) evaluated(image string, allowed bool, reasons ...string) {
	w.Helper()
	a := w.server.Call(w.T, w.runner, password, http.MethodPost, "/api/haven/v1/evaluate", map[string]any{"images": []string{w.project + "/" + image}})
	var answer struct {
		Verdicts []struct {
			Allowed bool
			Message string
			Reasons []string
		}
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil || a.Status != http.StatusOK || len(answer.Verdicts) != 1 {
		w.Fatalf("evaluate %s: status %d: %s", image, a.Status, a.Body)
	}
	if v := answer.Verdicts[0]; v.Allowed != allowed || !slices.Equal(v.Reasons, append([]string{}, reasons...)) || allowed != (v.Message == "") {
		w.Errorf("evaluate %s: %s", image, a.Body)
	}
}

// beforeTags: what isn't signed by those whom the project trusts gets no tag, by whatever way.
func beforeTags(w *signed) {
	ours, theirs := w.key("ours"), w.key("theirs")
	policy := signedBy("ci", w.public(ours))
	policy["signed_before_tag"] = true
	w.policy(policy)
	refusal := []string{"signed before it gets a tag", `"ci"`}
	image := haventest.NewImage(w.T, "made:1")
	w.refused([]string{"signed before it gets a tag", "not there yet"}, w.tool("crane"), "push", "--insecure", image, w.ref("app:1"))
	list := w.server.Admin(w.T, http.StatusOK, http.MethodGet, "/api/v2.0/projects/"+w.project+"/repositories/app/artifacts?q=tags%3D1", nil)
	if strings.TrimSpace(string(list.Body)) != "[]" {
		w.Errorf("a refused push left %s", list.Body)
	}

	// By its digest it comes in, and can be signed.
	hash := strings.TrimSpace(w.ok(w.tool("crane"), "digest", "--tarball", image))
	digest := "app@" + hash
	w.ok(w.tool("crane"), "push", "--insecure", image, w.ref(digest))
	w.sign(theirs, digest)
	w.sign(theirs, digest, olderForm)
	w.refused(refusal, w.tool("crane"), "tag", "--insecure", w.ref(digest), "1")
	tags := "/api/v2.0/projects/" + w.project + "/repositories/app/artifacts/" + hash + "/tags"
	w.server.Admin(w.T, http.StatusPreconditionFailed, http.MethodPost, tags, map[string]any{"name": "1"})
	w.sign(ours, digest, olderForm)
	w.ok(w.tool("crane"), "tag", "--insecure", w.ref(digest), "1")
	w.server.Admin(w.T, http.StatusCreated, http.MethodPost, tags, map[string]any{"name": "2"})
	w.ok(w.tool("crane"), "push", "--insecure", image, w.ref("app:3"))

	// An artifact is copied with its signatures, from where nobody asks for them to where somebody does.
	source := w.project + "-source"
	w.server.NewProject(w.T, source, true)
	w.server.Admin(w.T, http.StatusCreated, http.MethodPost, "/api/v2.0/projects/"+source+"/repositories/app/artifacts?from="+w.project+"/app:1", nil)
	copied := "/api/v2.0/projects/" + w.project + "/repositories/copied/artifacts?from=" + source + "/"
	w.server.Admin(w.T, http.StatusCreated, http.MethodPost, copied+"app:1", nil)
	a := w.server.Admin(w.T, http.StatusOK, http.MethodGet, "/api/v2.0/projects/"+source+"/repositories/app/artifacts/1/accessories", nil)
	var signatures []struct{ Digest string }
	if err := json.Unmarshal(a.Body, &signatures); err != nil || len(signatures) == 0 {
		w.Fatalf("accessories: %v, %s", err, a.Body)
	}
	for _, s := range signatures {
		w.server.Admin(w.T, http.StatusOK, http.MethodDelete, "/api/v2.0/projects/"+source+"/repositories/app/artifacts/"+s.Digest, nil)
	}
	w.server.Admin(w.T, http.StatusPreconditionFailed, http.MethodPost, strings.Replace(copied, "copied", "again", 1)+"app:1", nil)
}

func forgeries(w *signed) {
	ours := w.key("ours")
	w.policy(signedBy("ci", w.public(ours)))
	w.demand("enable_content_trust_cosign")
	good, evil := w.image("app"), w.image("evil")
	w.sign(ours, "app@"+good, olderForm)
	w.mayPull("app@" + good)

	// The signature of the one is put where that of the other would be.
	w.ok(w.tool("crane"), "cp", "--insecure", w.ref("app:"+strings.Replace(good, ":", "-", 1)+".sig"), w.ref("evil:"+strings.Replace(evil, ":", "-", 1)+".sig"))
	w.mayNotPull("evil@"+evil, `"ci"`)
	all := w.signatures("evil", evil)
	if len(all) != 1 || all[0].State != "invalid" || !strings.Contains(all[0].Reason, good) {
		w.Errorf("a replayed signature: %+v", all)
	}
	// An image doesn't become a signature by saying so.
	w.ok(w.tool("oras"), "login", "--plain-http", w.host, "-u", w.user, "-p", password)
	w.write("payload", "an archive, for all we know")
	w.ok(w.tool("oras"), "attach", "--plain-http", "--artifact-type", "application/vnd.dev.cosign.artifact.sig.v1+json", w.ref("evil@"+evil),
		"payload:application/vnd.oci.image.layer.v1.tar")
	for _, s := range w.signatures("evil", evil) {
		if s.State == "verified" {
			w.Errorf("verified: %+v", s)
		}
	}
	w.mayNotPull("evil@"+evil, `"ci"`)
}

func indexes(w *signed) {
	ours := w.key("ours")
	w.policy(signedBy("ci", w.public(ours)))
	one, two := w.image("app"), w.image("two")
	w.ok(w.tool("crane"), "cp", "--insecure", w.ref("two@"+two), w.ref("app:two"))
	w.ok(w.tool("crane"), "index", "append", "--insecure", "-m", w.ref("app@"+one), "-m", w.ref("app@"+two), "-t", w.ref("app:all"))
	index := w.digest("app", "all")
	w.demand("enable_content_trust_cosign")
	w.mayNotPull("app@"+index, `"ci"`)
	w.mayNotPull("app@"+one, `"ci"`)

	// A child's signature is no index's.
	w.sign(ours, "app@"+one)
	w.mayPull("app@" + one)
	w.mayNotPull("app@"+index, `"ci"`)
	w.mayNotPull("app@"+two, `"ci"`)
	// An index names what it leads to.
	w.sign(ours, "app@"+index)
	w.mayPull("app@" + index)
	w.mayPull("app@" + two)
	w.mayNotPull("two@"+two, `"ci"`) // where there is no index
}

// authority makes a certificate authority and a certificate of it for an address, as Fulcio would.
func (w *signed) authority(name, address, issuer string, until time.Time) (ca, key, certificate string) {
	w.Helper()
	must := func(err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	start := time.Now().Add(-2 * time.Hour)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: start, NotAfter: start.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, root, root, caKey.Public(), caKey)
	must(err)
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	oidIssuer := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: start, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, EmailAddresses: []string{address},
		ExtraExtensions: []pkix.Extension{{Id: oidIssuer, Value: []byte(issuer)}}}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), caKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	must(err)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	ca = block("CERTIFICATE", caDER)
	w.write(name+".ca", ca)
	w.write(name+".crt", block("CERTIFICATE", leafDER))
	w.write(name+".pem", block("PRIVATE KEY", keyDER))
	w.ok(w.tool("cosign"), "import-key-pair", "--key", w.path(name+".pem"), "--output-key-prefix", name)
	return ca, name, w.path(name + ".crt")
}

func certificates(w *signed) {
	const issuer = "https://ci.example.org"
	ca, key, certificate := w.authority("house", "build@example.org", issuer, time.Now().Add(time.Hour))
	_, strange, strangers := w.authority("stranger", "build@example.org", issuer, time.Now().Add(time.Hour))
	identity := func(i map[string]any) map[string]any {
		i["root"] = "house"
		return map[string]any{
			"roots":   map[string]any{"house": map[string]any{"ca": ca}},
			"signers": []any{map[string]any{"name": "ci", "identities": []any{i}}},
		}
	}
	w.demand("enable_content_trust_cosign")
	w.policy(identity(map[string]any{"issuer": issuer, "subject": "build@example.org"}))
	image := "app@" + w.image("app")
	w.sign(strange, image, olderForm, "--certificate", strangers, "--certificate-chain", w.path("stranger.ca"))
	w.mayNotPull(image, "not signed by cosign")
	w.sign(key, image, olderForm, "--certificate", certificate, "--certificate-chain", w.path("house.ca"))
	w.mayPull(image)
	for name, i := range map[string]map[string]any{
		"another issuer":  {"issuer": issuer + ".evil", "subject": "build@example.org"},
		"another subject": {"issuer": issuer, "subject": "build@example.com"},
		"half a regexp":   {"issuer": issuer, "subject_regexp": "build@example"},
	} {
		w.policy(identity(i))
		if said := w.pull(image); said == "" {
			w.Errorf("%s: it can be pulled", name)
		}
	}
	w.policy(identity(map[string]any{"issuer_regexp": `https://ci\.example\..*`, "subject_regexp": `.*@example\.org`}))
	w.mayPull(image)
}

func attestations(w *signed) {
	ours := w.key("ours")
	const predicateType = "https://example.org/review"
	document := signedBy("ci", w.public(ours))
	document["require"] = map[string]any{"all_of": []any{
		map[string]any{"signed_by": "ci"},
		map[string]any{"attestation": map[string]any{"predicate_type": predicateType, "by": "ci", "rule": "predicate.reviewers.size() >= 2"}},
	}}
	w.policy(document)
	w.demand("enable_content_trust_cosign")
	w.ok(w.tool("cosign"), "login", w.host, "-u", w.user, "-p", password)
	attest := func(image, predicate string, more ...string) {
		args := []string{"attest", "--yes", "--key", ours + ".key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry",
			"--predicate", w.write("predicate.json", predicate), "--type", predicateType}
		w.ok(w.tool("cosign"), slices.Concat(args, more, []string{w.ref(image)})...)
	}
	for name, form := range map[string][]string{"bundle": nil, "older": {olderForm}} {
		image := name + "@" + w.image(name)
		w.sign(ours, image, form...)
		w.mayNotPull(image, predicateType)
		attest(image, `{"reviewers":["ann"]}`, form...)
		w.mayNotPull(image, predicateType)
		attest(image, `{"reviewers":["ann","bob"]}`, form...)
		w.mayPull(image)
	}
}

func notary(w *signed) {
	program := w.tool("notation")
	w.ok(program, "cert", "generate-test", "--default", "haven.example.org")
	w.ok(program, "cert", "generate-test", "other.example.org")
	certificate := func(name string) string {
		found, err := filepath.Glob(filepath.Join(w.home, "notation/localkeys", name+".crt"))
		if err != nil || len(found) != 1 {
			w.Fatalf("certificate of %s: %v %v", name, found, err)
		}
		text, err := os.ReadFile(found[0])
		if err != nil {
			w.Fatal(err)
		}
		return string(text)
	}
	document := func(name string, identities ...string) map[string]any {
		return map[string]any{"signers": []any{map[string]any{"name": "release", "notation": map[string]any{
			"certificates": certificate(name), "identities": identities}}}}
	}
	w.policy(document("haven.example.org", "*"))
	w.demand("enable_content_trust")
	digest := w.image("app")
	image := "app@" + digest
	w.mayNotPull(image, "The image is not signed by notation.")
	w.ok(program, "sign", "--insecure-registry", "--key", "other.example.org", w.ref(image))
	w.mayNotPull(image, "The image is not signed by notation.")
	w.ok(program, "sign", "--insecure-registry", w.ref(image))
	w.mayPull(image)
	w.policy(document("haven.example.org", "C=US, ST=WA, O=Nobody"))
	w.mayNotPull(image, "The image is not signed by notation.")
	w.policy(document("other.example.org", "*"))
	w.mayPull(image)
	for _, envelope := range []string{"jws", "cose"} {
		image := envelope + "@" + w.image(envelope)
		w.ok(program, "sign", "--insecure-registry", "--signature-format", envelope, "--key", "other.example.org", w.ref(image))
		w.mayPull(image)
	}
}

// presence is what Harbor's switches mean without a policy: somebody has signed it.
func presence(w *signed) {
	w.demand("enable_content_trust_cosign")
	image := "app@" + w.image("app")
	if said := w.pull(image); said != "The image is not signed by cosign." {
		w.Errorf("unsigned: %q", said)
	}
	w.sign(w.key("any"), image)
	w.mayPull(image)
	w.demand("enable_content_trust")
	if said := w.pull(image); said != "The image is not signed by notation." {
		w.Errorf("without the other one: %q", said)
	}
	w.ok(w.tool("notation"), "cert", "generate-test", "--default", "haven.example.org")
	w.ok(w.tool("notation"), "sign", "--insecure-registry", w.ref(image))
	w.mayPull(image)
}
