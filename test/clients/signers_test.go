//go:build acceptance

package clients

import (
	"os"

	"github.com/havenregistry/haven/test/haventest"
)

func helm(s *session) {
	program := s.tool("helm")
	run := func(args ...string) string { return s.ok(program, args...) }

	s.refused(unauthorized, program, "registry", "login", "--plain-http", s.host, "-u", s.user, "-p", "wrong")
	s.okInput(password, program, "registry", "login", "--plain-http", s.host, "-u", s.user, "--password-stdin")

	run("create", "demo")
	for _, version := range []string{"0.1.0", "0.2.0+build.7"} {
		run("package", "demo", "--version", version)
		run("push", "--plain-http", "demo-"+version+".tgz", "oci://"+s.host+"/"+s.project+"/charts")
	}
	s.has(run("show", "chart", "--plain-http", "oci://"+s.ref("charts/demo"), "--version", "0.1.0"), "name: demo")
	s.has(run("show", "chart", "--plain-http", "oci://"+s.ref("charts/demo")), "version: 0.2.0+build.7")
	run("pull", "--plain-http", "oci://"+s.ref("charts/demo"), "--version", "0.1.0", "-d", s.home, "--untar", "--untardir", "out")
	if _, err := os.Stat(s.path("out/demo/Chart.yaml")); err != nil {
		s.Fatal(err)
	}
	s.has(run("template", "demo", "--plain-http", "oci://"+s.ref("charts/demo"), "--version", "0.1.0"), "kind: Deployment")
	run("registry", "logout", s.host)
	s.refused(append(unauthorized, "denied", "credential"), program, "pull", "--plain-http", "oci://"+s.ref("charts/demo"), "--version", "0.1.0")
}

// pushed puts an image into the project and returns its name by digest, which is what
// is signed.
func pushed(s *session) string {
	s.Helper()
	crane := s.tool("crane")
	s.ok(crane, "auth", "login", s.host, "-u", s.user, "-p", password)
	s.ok(crane, "push", "--insecure", haventest.NewImage(s.T, "signed:1"), s.ref("signed:1"))
	return s.ref("signed@") + s.digest("signed", "1")
}

func cosign(s *session) {
	program := s.tool("cosign")
	image := pushed(s)
	s.ok(program, "login", s.host, "-u", s.user, "-p", password)
	s.ok(program, "generate-key-pair")
	sign := []string{"sign", "--yes", "--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry"}
	verify := []string{"verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--allow-http-registry"}

	s.refused([]string{"no signatures found", "no matching signatures"}, program, append(verify, image)...)
	// The bundle, which is a referrer of the image.
	s.ok(program, append(sign, image)...)
	s.has(s.ok(program, append(verify, image)...), s.digest("signed", "1"))
	s.has(s.ok(s.tool("oras"), "discover", "--plain-http", image), "application/vnd.dev.sigstore.bundle")

	// The older form: a tag that carries the digest in its name.
	s.ok(program, append(sign, "--new-bundle-format=false", image)...)
	s.has(s.ok(program, append(verify, "--new-bundle-format=false", image)...), s.digest("signed", "1"))

	predicate := s.write("predicate.json", `{"reviewed":true}`)
	s.ok(program, "attest", "--yes", "--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry",
		"--predicate", predicate, "--type", "custom", image)
	s.ok(program, "verify-attestation", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--allow-http-registry", "--type", "custom", image)

	// Somebody else's key does not verify.
	s.ok(program, "generate-key-pair", "--output-key-prefix", "other")
	s.refused([]string{"invalid signature", "no matching signatures", "could not verify", "failed to verify"},
		program, "verify", "--key", "other.pub", "--insecure-ignore-tlog=true", "--allow-http-registry", image)
}

func notation(s *session) {
	program := s.tool("notation")
	image := pushed(s)
	s.env = append(s.env, "NOTATION_USERNAME="+s.user, "NOTATION_PASSWORD="+password)
	s.ok(program, "cert", "generate-test", "--default", "haven.example.org")
	s.ok(program, "policy", "import", s.write("policy.json", `{"version":"1.0","trustPolicies":[{"name":"all","registryScopes":["*"],
		"signatureVerification":{"level":"strict"},"trustStores":["ca:haven.example.org"],"trustedIdentities":["*"]}]}`))

	s.refused([]string{"no signature is associated"}, program, "verify", "--insecure-registry", image)
	s.ok(program, "sign", "--insecure-registry", image)
	s.has(s.ok(program, "verify", "--insecure-registry", image), "Successfully verified")
	s.has(s.ok(program, "ls", "--insecure-registry", image), "application/vnd.cncf.notary.signature")
}
