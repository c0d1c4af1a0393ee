package trivy

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/purl"
	"github.com/aquasecurity/trivy/pkg/types"

	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/scantest"
)

func read(t testing.TB, limits Limits, files ...scantest.File) (inventory.Layer, error) {
	t.Helper()
	dir := t.TempDir()
	spool, err := os.Create(filepath.Join(dir, "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spool.Close() }()
	rpm := filepath.Join(dir, "rpm")
	if err := os.WriteFile(rpm, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return (&Reader{Limits: limits, Spool: spool, RPM: rpm}).Layer(context.Background(), bytes.NewReader(scantest.Tar(files)))
}

func text(name, body string) scantest.File {
	return scantest.File{Name: name, Mode: 0o644, Body: []byte(body)}
}

// found lists what a layer says, a line for each package.
func found(l inventory.Layer) (all []string) {
	for _, f := range l.Files {
		for _, p := range f.Packages {
			line := fmt.Sprintf("%s %s %s %s", f.Path, f.Type, p.Name, p.Installed())
			if p.SrcName != "" {
				line += " of " + p.SrcName + " " + inventory.VersionOf(p.SrcEpoch, p.SrcVersion, p.SrcRelease)
			}
			if p.Path != "" && p.Path != f.Path {
				line += " in " + p.Path
			}
			if p.ThirdParty {
				line += " (foreign)"
			}
			all = append(all, line)
		}
	}
	return all
}

func TestFiles(t *testing.T) {
	inner := scantest.Zip([]scantest.File{text("META-INF/MANIFEST.MF", "Implementation-Vendor-Id: org.inner\r\nImplementation-Title: in\r\n ner\r\nImplementation-Version: 2.0\r\n")})
	for name, c := range map[string]struct {
		files []scantest.File
		want  []string
		os    inventory.OS
	}{
		"dpkg": {files: []scantest.File{
			text("var/lib/dpkg/status", "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc (2.36-9)\nVersion: 2.36-9+b1\n\nPackage: old\nStatus: deinstall ok config-files\nVersion: 1\n\n"+
				"Package: docker-ce\nMaintainer: Docker <support@docker.com>\nVersion: 5:24.0.7-1~debian\nDescription: engine\n Version: 9 is no field\n"),
			text("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a-0+deb12u1\n"),
			text("etc/debian_version", "12.5\n"),
		}, want: []string{
			"var/lib/dpkg/status  libc6 2.36-9+b1 of glibc 2.36-9", "var/lib/dpkg/status  docker-ce 5:24.0.7-1~debian of docker-ce 5:24.0.7-1~debian (foreign)",
			"var/lib/dpkg/status.d/tzdata  tzdata 2024a-0+deb12u1 of tzdata 2024a-0+deb12u1",
		}, os: inventory.OS{Family: "debian", Name: "12.5"}},
		"apk": {files: []scantest.File{
			text("lib/apk/db/installed", "P:libcrypto3\nV:3.1.4-r5\nA:x86_64\nL:Apache-2.0\no:openssl\nF:usr/lib/python3/x.dist-info\nR:METADATA\n\nP:bad\nV:not a version\n\n"),
			text("etc/alpine-release", "3.19.1\n"),
			text("usr/lib/python3/x.dist-info/METADATA", "Name: x\nVersion: 1\n"), // the distribution's
			text("usr/lib/python3/y.dist-info/METADATA", "Name: y\nVersion: 1\n"),
		}, want: []string{"lib/apk/db/installed  libcrypto3 3.1.4-r5 of openssl 3.1.4-r5", "usr/lib/python3/y.dist-info/METADATA python-pkg y 1"},
			os: inventory.OS{Family: "alpine", Name: "3.19.1"}},
		"what Debian installed": {files: []scantest.File{
			text("var/lib/dpkg/status", "Package: python3-x\nVersion: 1\n\nPackage: foreign\nMaintainer: HashiCorp\nVersion: 1\n"),
			text("var/lib/dpkg/info/python3-x.md5sums", "00  usr/lib/python3/x.dist-info/METADATA\n"),
			text("var/lib/dpkg/info/foreign.md5sums", "00  opt/package.json\n"),
			text("usr/lib/python3/x.dist-info/METADATA", "Name: x\nVersion: 1\n"),
			text("opt/package.json", `{"name":"kept","version":"1.0.0"}`),
		}, want: []string{"opt/package.json node-pkg kept 1.0.0", "var/lib/dpkg/status  python3-x 1 of python3-x 1", "var/lib/dpkg/status  foreign 1 of foreign 1 (foreign)"}},
		"CBL-Mariner's list": {files: []scantest.File{
			text("var/lib/rpmmanifest/container-manifest-2", "bash\t5.1.8-1.cm2\t1\t1\tMicrosoft Corporation\t(none)\t1\tx86_64\t2\tbash-5.1.8-1.cm2.src.rpm\n"),
			text("etc/os-release", "ID=mariner\nVERSION_ID=\"2.0\"\n"),
		}, want: []string{"var/lib/rpmmanifest/container-manifest-2  bash 2:5.1.8-1.cm2 of bash 2:5.1.8-1.cm2"}, os: inventory.OS{Family: "cbl-mariner", Name: "2.0"}},
		"jars": {files: []scantest.File{
			{Name: "app.war", Body: scantest.Zip([]scantest.File{
				{Name: "WEB-INF/lib/inner.jar", Mode: 1, Body: inner}, {Name: "WEB-INF/lib/packed.jar", Body: inner},
				text("META-INF/maven/g/a/pom.properties", "groupId=g\nartifactId=a\nversion=2.17.0\n"), text("META-INF/maven/g/b/pom.properties", "groupId=g\nartifactId=a\nversion=2.17\n"),
			})},
		}, want: []string{
			"app.war jar org.inner:inner 2.0 in app.war/WEB-INF/lib/inner.jar", "app.war jar org.inner:inner 2.0 in app.war/WEB-INF/lib/packed.jar",
			"app.war jar g:a 2.17.0",
		}},
		"others": {files: []scantest.File{
			text("app/vendor/composer/installed.json", `{"packages":[{"name":"pear/log","version":"1.13.3","license":["MIT"]},{"name":"pear/log","version":"1.0"}]}`),
			text("old/vendor/composer/installed.json", `[{"name":"a/b","version":"v1.0","license":"(MIT or GPL-2.0)"}]`),
			text("app/app.deps.json", `{"runtimeTarget":{"name":"net8"},"targets":{"net8":{"A/1.0":{"runtime":{"a.dll":{}}},"B/1.0":{}}},"libraries":{"A/1.0":{"type":"package"},"B/1.0":{"type":"package"},"C/1.0":{"type":"reference"},"runtimepack.R/8.0":{"type":"runtimepack"}}}`),
			text("opt/conda/envs/e/conda-meta/pip-22.2-py.json", `{"name":"pip","version":"22.2","license":"MIT"}`),
			text("usr/gems/specifications/rake-13.0.gemspec", "Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0\"\nend\n"),
			{Name: "usr/lib/python3/z.egg", Body: scantest.Zip([]scantest.File{text("EGG-INFO/PKG-INFO", "Name: z\nVersion: 2\n")})},
		}, want: []string{
			"app/app.deps.json dotnet-core A 1.0", "app/app.deps.json dotnet-core R 8.0", "app/vendor/composer/installed.json composer-vendor pear/log 1.13.3",
			"old/vendor/composer/installed.json composer-vendor a/b v1.0", "opt/conda/envs/e/conda-meta/pip-22.2-py.json conda-pkg pip 22.2",
			"usr/gems/specifications/rake-13.0.gemspec gemspec rake 13.0", "usr/lib/python3/z.egg python-pkg z 2",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := read(t, Usual, c.files...)
			if err != nil {
				t.Fatal(err)
			}
			if got := found(l); !slices.Equal(got, c.want) || len(l.Unread) > 0 {
				t.Errorf("found %q\nwanted %q\nunread %q", got, c.want, l.Unread)
			}
			if l.OS != c.os {
				t.Errorf("system %+v", l.OS)
			}
		})
	}
}

func TestSystems(t *testing.T) {
	for want, files := range map[inventory.OS][]scantest.File{
		{Family: "ubuntu", Name: "22.04", Extended: true}: {text("etc/debian_version", "bookworm/sid\n"), text("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n"),
			text("var/lib/ubuntu-advantage/status.json", `{"services":[{"name":"esm-infra","status":"enabled"}]}`)},
		{Family: "centos-stream", Name: "9"}:  {text("etc/os-release", "NAME=\"CentOS Stream\"\nID=\"centos\"\nVERSION_ID=\"9\"\n"), text("etc/centos-release", "CentOS Stream release 9\n"), text("etc/redhat-release", "CentOS Stream release 9\n")},
		{Family: "oracle", Name: "8.9"}:       {text("etc/oracle-release", "Oracle Linux Server release 8.9\n"), text("etc/redhat-release", "Red Hat Enterprise Linux release 8.9 (Ootpa)\n")},
		{Family: "amazon", Name: "2 (Karoo)"}: {text("etc/system-release", "Amazon Linux release 2 (Karoo)\n")},
		{Family: "redhat", Name: "9.3"}:       {text("etc/redhat-release", "Red Hat Enterprise Linux release 9.3 (Plow)\n"), text("etc/os-release", "ID=\"rhel\"\nVERSION_ID=\"9.3\"\n")},
		{}:                                    {text("etc/os-release", "ID=arch\n")},
	} {
		l, err := read(t, Usual, files...)
		if err != nil || l.OS != want {
			t.Errorf("%+v, %v; wanted %+v", l.OS, err, want)
		}
	}
}

// The three formats of RPM's database, by the examples that come with the module that reads them.
func TestRPM(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "pkg", "testdata")
	for file, name := range map[string]string{
		"centos7-plain/Packages": "var/lib/rpm/Packages", "sle15-bci/Packages.db": "usr/lib/sysimage/rpm/Packages.db", "fedora35-plus-mongo/rpmdb.sqlite": "var/lib/rpm/rpmdb.sqlite",
	} {
		body, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		l, err := read(t, Usual, scantest.File{Name: name, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Files) != 1 || len(l.Files[0].Packages) < 30 || len(l.Unread) > 0 {
			t.Errorf("%s: %d files, unread %q", file, len(l.Files), l.Unread)
			continue
		}
		foreign := 0
		for _, p := range l.Files[0].Packages {
			if p.Name == "" || p.Version == "" || p.Release == "" || p.SrcName == "" && !strings.HasPrefix(p.Name, "gpg-pubkey") {
				t.Errorf("%s: %+v", file, p)
			}
			if p.ThirdParty {
				foreign++
			}
		}
		if strings.Contains(file, "mongo") && foreign == 0 {
			t.Error("MongoDB's packages count as Fedora's")
		}
	}
}

func TestRedHatsBuild(t *testing.T) {
	l, err := read(t, Usual, text("root/buildinfo/content_manifests/ubi9.json", `{"content_sets":["rhel-9-baseos","rhel-9-appstream"]}`),
		text("root/buildinfo/Dockerfile-ubi9-9.3-1552", "FROM scratch\nENV NAME=ubi9\nLABEL com.redhat.component=\"${NAME}-container\" \\\n  name=\"x y\"\nLABEL architecture=\"x86_64\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if b := l.BuildInfo; !slices.Equal(b.ContentSets, []string{"rhel-9-baseos", "rhel-9-appstream"}) || b.NVR != "ubi9-container-9.3-1552" || b.Arch != "x86_64" {
		t.Errorf("%+v", b)
	}
}

func TestWhiteouts(t *testing.T) {
	l, err := read(t, Usual, text("a/.wh..wh..opq", ""), text("b/.wh.gone", ""), text(".wh.top", ""), text("c/package.json", "{}"), text("c/.wh..wh.plnk", ""))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.Gone, []string{"b/gone", "c/package.json", "top"}) || !slices.Equal(l.Opaque, []string{"a"}) {
		t.Errorf("gone %q, opaque %q", l.Gone, l.Opaque)
	}
}

func TestLimits(t *testing.T) {
	big := text("x", strings.Repeat("x", 4000))
	for words, limits := range map[string]func(*Limits){
		"unpacks to more than":      func(l *Limits) { l.Unpacked = 1000 },
		"more than 1 entries":       func(l *Limits) { l.Entries = 1 },
		"more than 0 packages":      func(l *Limits) { l.Packages = 0 },
		"packages list more than 0": func(l *Limits) { l.Paths = 0 },
	} {
		small := Usual
		limits(&small)
		_, err := read(t, small, big, text("package.json", `{"name":"a","version":"1.0.0"}`), text("var/lib/dpkg/info/a.md5sums", "00  x\n"))
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// Names of packages are those that Trivy gives.
func TestPURLs(t *testing.T) {
	for _, os := range []inventory.OS{{Family: "debian", Name: "12.5"}, {Family: "alpine", Name: "3.19.1"}, {Family: "redhat", Name: "9.3"}, {Family: "sles", Name: "15.5"}, {Family: "ubuntu", Name: "22.04"}, {Family: "wolfi", Name: "20230201"}} {
		for _, p := range []inventory.Subject{
			{Name: "libstdc++6", Version: "12.2.0", Release: "14+deb12u1", Arch: "amd64"}, {Name: "a", Version: "1:2~rc1", Epoch: 2}, {Name: "perl", Version: "5", Modularity: "perl:5.26:123:abc"},
		} {
			p.Class = inventory.OSPackage
			got := inventory.Merge([]inventory.Layer{{OS: os, Files: []inventory.File{{Path: "list", Packages: []inventory.Package{{Subject: p}}}}}}).Packages[0].PURL
			named := asOSPackage(&p, 0)
			want, err := purl.New(ftypes.OSType(os.Family), types.Metadata{OS: &ftypes.OS{Family: ftypes.OSType(os.Family), Name: os.Name}}, named)
			if err != nil {
				t.Fatal(err)
			}
			if got != want.String() {
				t.Errorf("%s\n%s", got, want)
			}
		}
	}
}

func FuzzParsers(f *testing.F) {
	for _, seed := range []string{"Package: a\nVersion: 1\n", "P:a\nV:1\n", `{"packages":[{"name":"a"}]}`, "LABEL a=b", "a\t1-1\t", "groupId=a", "ID=debian\nVERSION_ID=1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parseDpkg(text)
		parseApk(text)
		parseRepositories(text)
		parseOSRelease(text)
		_, _ = parseComposer(text)
		_, _ = parseDotnet(text)
		_, _ = parseRPMManifest(text)
		parseLabels(string(text))
		parseProperties(text, "a.jar")
		parseManifest(text).coordinates("a.jar")
	})
}

func FuzzLayer(f *testing.F) {
	f.Add(scantest.Tar([]scantest.File{text("var/lib/dpkg/status", "Package: a\nVersion: 1\n"), {Name: "a.jar", Body: scantest.Zip([]scantest.File{text("META-INF/MANIFEST.MF", "A: b\n")})}}))
	small := Usual
	small.Unpacked, small.Memory, small.Spooled = 1<<20, 1<<20, 1<<20
	f.Fuzz(func(t *testing.T, blob []byte) {
		_, _ = (&Reader{Limits: small}).Layer(context.Background(), bytes.NewReader(blob))
	})
}
