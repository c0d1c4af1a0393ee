//go:build acceptance

package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/havenregistry/haven/test/haventest"
)

// dpkg takes the package for what it is, and its scripts make the user, and leave the images.
func checkDeb(t *testing.T, m made) {
	for _, arch := range architectures() {
		file := "haven_" + packaged + "_" + arch + ".deb"
		fields := run(t, exec.Command("dpkg-deb", "--show", "--showformat", "${Package} ${Version} ${Architecture} ${Depends}", m.file(file)))
		if fields != "haven "+packaged+" "+arch+" passwd" {
			t.Errorf("%s: %s", file, fields)
		}
	}
	deb, root, control := m.file("haven_"+packaged+"_amd64.deb"), t.TempDir(), filepath.Join(t.TempDir(), "control")
	list := run(t, exec.Command("dpkg-deb", "--contents", deb))
	for _, want := range []string{"-rwxr-xr-x 0/0", "-rw-r----- 0/0", "drwxr-x--- 0/0", " ./usr/bin/haven\n", " ./etc/haven/haven.yaml\n", " ./usr/lib/systemd/system/haven.service\n", " ./usr/share/doc/haven/copyright\n"} {
		if !strings.Contains(list, want) {
			t.Errorf("dpkg-deb --contents hasn't %q:\n%s", want, list)
		}
	}
	run(t, exec.Command("dpkg-deb", "--extract", deb, root))
	run(t, exec.Command("dpkg-deb", "--control", deb, control))
	run(t, in(root, exec.Command("md5sum", "--check", "--strict", filepath.Join(control, "md5sums"))))
	if out := run(t, exec.Command(filepath.Join(root, "usr", "bin", "haven"), "version")); out != "haven "+version+"\n" {
		t.Errorf("haven version: %s", out)
	}
	checkUnit(t, root)
	s := scripts{t, t.TempDir()}
	did := s.run(filepath.Join(control, "postinst"), "configure", "")
	for _, want := range []string{"groupadd --system haven", "useradd --system --gid haven", "deb-systemd-helper enable haven.service"} {
		if !slices.ContainsFunc(did, func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("after installing, %q is not done: %q", want, did)
		}
	}
	if did := s.run(filepath.Join(control, "postrm"), "purge"); slices.ContainsFunc(did, func(line string) bool { return strings.HasPrefix(line, "rm") || strings.HasPrefix(line, "userdel") }) {
		t.Errorf("a purge does %q", did)
	}
}

// scripts runs maintainers' scripts where all other programs only write down that they were called.
type scripts struct {
	t   *testing.T
	dir string
}

func (s scripts) run(script string, args ...string) []string {
	s.t.Helper()
	log, bin := filepath.Join(s.dir, "log"), filepath.Join(s.dir, "bin")
	must(s.t, os.WriteFile(log, nil, 0o600))
	must(s.t, os.MkdirAll(bin, 0o755))
	for _, name := range []string{"getent", "groupadd", "useradd", "userdel", "chgrp", "stat", "rm", "dpkg-statoverride", "deb-systemd-helper", "deb-systemd-invoke", "systemctl"} {
		status := "0"
		if name == "getent" {
			status = "2" // nobody is known yet
		}
		must(s.t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\necho \""+name+" $*\" >>"+log+"\nexit "+status+"\n"), 0o755)) //nolint:gosec // it is to be run
	}
	cmd := exec.Command("/bin/sh", append([]string{script}, args...)...)
	cmd.Env = []string{"PATH=" + bin}
	run(s.t, cmd)
	text, err := os.ReadFile(log)
	must(s.t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// checkUnit asks systemd about the unit, where it is there, with the program where it was unpacked.
func checkUnit(t *testing.T, root string) {
	text, err := os.ReadFile(filepath.Join(root, "usr", "lib", "systemd", "system", "haven.service"))
	must(t, err)
	if !strings.Contains(string(text), "ExecStart=/usr/bin/haven serve --config /etc/haven/haven.yaml\n") {
		t.Errorf("the unit starts something else:\n%s", text)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return
	}
	unit := filepath.Join(t.TempDir(), "haven.service")
	must(t, os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "ExecStart=/", "ExecStart="+root+"/")), 0o600))
	out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), "haven.service") {
		t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
}

// rpm takes the package for what it is.
func checkRPM(t *testing.T, m made) {
	rpm := haventest.Tool(t, "rpm")
	database := "--dbpath=" + t.TempDir()
	for _, goarch := range architectures() {
		arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[goarch]
		file := "haven-" + packaged + "-1." + arch + ".rpm"
		if out := run(t, exec.Command(rpm, database, "--checksig", "--nosignature", "--verbose", m.file(file))); !strings.Contains(out, "Payload SHA256 digest: OK") && !strings.Contains(out, "Payload SHA256 ALT digest: OK") {
			t.Errorf("rpm --checksig: %s", out)
		}
		const format = `%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{LICENSE}\n[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEFLAGS:fflags} %{FILENAMES}\n]`
		out := run(t, exec.Command(rpm, database, "--query", "--queryformat", format, "--package", m.file(file)))
		for _, want := range []string{
			"haven " + packaged + " 1 " + arch + " Apache-2.0\n", "-rwxr-xr-x root  /usr/bin/haven\n", "-rw-r----- root cn /etc/haven/haven.yaml\n", "drwxr-x--- root  /etc/haven\n",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s hasn't %q:\n%s", file, want, out)
			}
		}
		if out := run(t, exec.Command(rpm, database, "--query", "--scripts", "--package", m.file(file))); !strings.Contains(out, "useradd --system") || !strings.Contains(out, "is kept") {
			t.Errorf("its scripts are %s", out)
		}
	}
	did := scripts{t, t.TempDir()}.run(filepath.Join(haventest.Root(t), "deploy", "packages", "rpm", "post"), "1")
	if !slices.ContainsFunc(did, func(line string) bool { return strings.HasPrefix(line, "useradd --system --gid haven") }) {
		t.Errorf("after installing: %q", did)
	}
}
