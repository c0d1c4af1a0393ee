//go:build acceptance

package release

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

const (
	version  = "7.8.9-rc.1"
	packaged = "7.8.9~rc.1"
	commit   = "0123456789abcdef0123456789abcdef01234567"
	password = "of-the-release-key"
)

// made is a release, which all tests look at.
type made struct {
	dir       string
	public    string // the key that it is signed by
	tool      string // the program that made it
	signedBy  string
	stdoutput string
}

// file is the path of a file of the release.
func (m made) file(name string) string { return filepath.Join(m.dir, name) }

// run runs a program to its end, which must be a good one, and returns what it wrote to its output.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out.Bytes(), errs.Bytes())
	}
	return out.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func in(dir string, cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = dir
	return cmd
}

// architectures are those that the release is made for. Another processor's is compiled from nothing, which takes longer than all else here:
// HAVEN_RELEASE_ARCHITECTURES=amd64,arm64 tests both.
func architectures() []string {
	return strings.Split(cmp.Or(os.Getenv("HAVEN_RELEASE_ARCHITECTURES"), "amd64"), ",")
}

// build makes a release of this checkout.
func build(t *testing.T) made {
	t.Helper()
	keys := t.TempDir()
	generate := in(keys, exec.Command(haventest.Tool(t, "cosign"), "generate-key-pair"))
	generate.Env = append(os.Environ(), "COSIGN_PASSWORD="+password)
	run(t, generate)
	m := made{dir: t.TempDir(), public: filepath.Join(keys, "cosign.pub"), signedBy: filepath.Join(keys, "cosign.key"), tool: filepath.Join(t.TempDir(), "release")}
	run(t, in(haventest.Root(t), exec.Command("go", "build", "-o", m.tool, "./release")))
	m.stdoutput = m.release(t, haventest.Root(t), m.dir, "linux/"+strings.Join(architectures(), ",linux/"))
	return m
}

func (m made) release(t *testing.T, from, to, platforms string) string {
	t.Helper()
	cmd := in(from, exec.Command(m.tool, "-out", to, "-platforms", platforms, "-version", version, "-commit", commit, "-time", "1770091506"))
	cmd.Env = append(os.Environ(), "HAVEN_RELEASE_KEY="+m.signedBy, "COSIGN_PASSWORD="+password, "CGO_ENABLED=0")
	return run(t, cmd)
}

func TestRelease(t *testing.T) {
	m := build(t)
	if strings.Contains(m.stdoutput, "nothing is signed") {
		t.Errorf("it says %s", m.stdoutput)
	}
	t.Run("checksums", func(t *testing.T) { checkSums(t, m) })
	t.Run("elsewhere", func(t *testing.T) { sameElsewhere(t, m) })
	t.Run("archive", func(t *testing.T) { checkArchive(t, m) })
	t.Run("image", func(t *testing.T) { checkImage(t, m) })
	t.Run("deb", func(t *testing.T) { checkDeb(t, m) })
	t.Run("rpm", func(t *testing.T) { checkRPM(t, m) })
}

// The files are what SHA256SUMS says, and that is what Cosign says the key signed.
func checkSums(t *testing.T, m made) {
	run(t, in(m.dir, exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")))
	verify := func(of string) *exec.Cmd {
		return exec.Command(haventest.Tool(t, "cosign"), "verify-blob", "--key", m.public, "--bundle", m.file("SHA256SUMS.sigstore.json"), "--insecure-ignore-tlog=true", of)
	}
	run(t, verify(m.file("SHA256SUMS")))
	if out, err := verify(m.file("haven_" + version + "_linux_amd64.tar.gz")).CombinedOutput(); err == nil {
		t.Errorf("the signature is good for another file too: %s", out)
	}
}

// sources copies the checkout without git, as somebody has it who got an archive.
func sources(t *testing.T) string {
	t.Helper()
	root, to := haventest.Root(t), t.TempDir()
	list := run(t, in(root, exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "api", "cmd", "deploy", "internal", "release", "web", "go.mod", "go.sum", "LICENSE")))
	for name := range strings.SplitSeq(strings.Trim(list, "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(to, name), content, 0o600))
	}
	pages := filepath.Join("internal", "portal", "dist")
	must(t, os.RemoveAll(filepath.Join(to, pages)))
	must(t, os.CopyFS(filepath.Join(to, pages), os.DirFS(filepath.Join(root, pages))))
	must(t, os.Symlink(filepath.Join(root, "web", "node_modules"), filepath.Join(to, "web", "node_modules")))
	return to
}

// The same sources give the same bytes in another folder, without git, and beside other settings of Go.
func sameElsewhere(t *testing.T, m made) {
	to := t.TempDir()
	t.Setenv("GOFLAGS", "-tags=other")
	m.release(t, sources(t), to, "linux/amd64")
	for _, name := range []string{
		"haven_" + version + "_linux_amd64.tar.gz", "haven_" + version + "_linux_amd64.spdx.json", "haven_" + packaged + "_amd64.deb", "haven-" + packaged + "-1.x86_64.rpm",
	} {
		first, err := os.ReadFile(m.file(name))
		must(t, err)
		second, err := os.ReadFile(filepath.Join(to, name))
		must(t, err)
		if !bytes.Equal(first, second) {
			t.Errorf("%s has other bytes", name)
		}
	}
	config := func(dir string) string {
		return run(t, exec.Command(haventest.Tool(t, "oras"), "manifest", "fetch", "--oci-layout", filepath.Join(dir, "haven_"+version+"_image.tar")+":"+version, "--platform", "linux/amd64"))
	}
	if first, second := config(m.dir), config(to); first != second {
		t.Errorf("the image for amd64 is\n%s\nand\n%s", first, second)
	}
}

// The archive has a program that says what it is, and the SBOM names all that is in it.
func checkArchive(t *testing.T, m made) {
	dir, name := t.TempDir(), "haven_"+version+"_linux_amd64"
	run(t, exec.Command("tar", "-xzf", m.file(name+".tar.gz"), "-C", dir))
	program := filepath.Join(dir, name, "haven")
	if out := run(t, exec.Command(program, "version")); out != "haven "+version+"\n" {
		t.Errorf("haven version: %s", out)
	}
	sbom, err := os.ReadFile(m.file(name + ".spdx.json"))
	must(t, err)
	notices, err := os.ReadFile(filepath.Join(dir, name, "THIRD-PARTY.txt"))
	must(t, err)
	if !strings.Contains(string(notices), "\nreact 19.") {
		t.Error("the notices name nothing of the portal")
	}
	modules := 0
	for line := range strings.Lines(run(t, exec.Command("go", "version", "-m", program))) {
		f := strings.Fields(line)
		if len(f) >= 3 && f[0] == "dep" {
			modules++
			if !strings.Contains(string(sbom), `"pkg:golang/`+f[1]+"@"+strings.ReplaceAll(f[2], "+", "%2B")+`"`) {
				t.Errorf("the SBOM hasn't %s %s", f[1], f[2])
			}
			if !strings.Contains(string(notices), "\n"+f[1]+" "+f[2]+"\n") {
				t.Errorf("the notices haven't %s %s", f[1], f[2])
			}
		}
		if len(f) >= 2 && f[0] == "build" && strings.HasPrefix(f[1], "vcs") {
			t.Errorf("the program knows of a checkout: %s", line)
		}
	}
	if modules < 50 {
		t.Errorf("the program has %d modules", modules)
	}
	content, err := os.ReadFile(program)
	must(t, err)
	if root := haventest.Root(t); bytes.Contains(content, []byte(root+"/")) {
		t.Errorf("the program names %s", root)
	}
}
