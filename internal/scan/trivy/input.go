package trivy

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

var (
	// errUninteresting is of files that only their content tells to be of no interest: most programs.
	errUninteresting = errors.New("nothing of interest")
	errTooLarge      = errors.New("too large")
)

// analyse looks into a file. It may call the input's methods once each.
type analyse func(*input) error

// input is one file of the layer as an analyser sees it.
type input struct {
	walk   *walk
	path   string
	size   int64
	r      io.Reader
	said   bool  // something was found in it
	broken error // what reading the archive failed by
}

// Read reads the file on.
func (in *input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		in.broken = err
	}
	return n, err
}

// text returns a file that is meant to be read whole.
func (in *input) text() ([]byte, error) {
	if in.size > in.walk.limits.Memory {
		return nil, errTooLarge
	}
	return io.ReadAll(in)
}

// content returns a file that is looked into here and there.
func (in *input) content() (content, error) {
	if in.size > in.walk.limits.Spooled {
		return nil, errTooLarge
	}
	return in.walk.spool.hold(in, in.size, in.walk.limits.Memory)
}

// system notes what the file says of the operating system.
func (in *input) system(os inventory.OS) {
	if os != (inventory.OS{}) {
		in.said = true
		in.walk.systems[in.path] = os
	}
}

// list notes the packages that the file lists or is. The type is Trivy's; "" for the operating system's packages.
func (in *input) list(kind ftypes.LangType, packages []inventory.Package) error {
	w := in.walk
	if w.packages += len(packages); w.packages > w.limits.Packages {
		return contentf("the layer has more than %d packages", w.limits.Packages)
	}
	if len(packages) == 0 {
		return nil
	}
	in.said = true
	w.files[in.path] = append(w.files[in.path], inventory.File{Path: in.path, Type: string(kind), Packages: packages})
	return nil
}

// exact are the files that are looked for at one place.
var exact = map[string]analyse{
	"etc/os-release":     osRelease,
	"usr/lib/os-release": osRelease,
	"aarch64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release": osRelease,
	"x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release":  osRelease,
	"etc/debian_version":                       firstLine("debian"),
	"etc/alpine-release":                       firstLine("alpine"),
	"etc/lsb-release":                          lsbRelease,
	"etc/system-release":                       amazonRelease,
	"usr/lib/system-release":                   amazonRelease,
	"etc/redhat-release":                       redhatRelease(""),
	"etc/centos-release":                       redhatRelease("centos"),
	"etc/rocky-release":                        redhatRelease("rocky"),
	"etc/almalinux-release":                    redhatRelease("alma"),
	"etc/oracle-release":                       redhatRelease("oracle"),
	"var/lib/ubuntu-advantage/status.json":     ubuntuPro,
	"usr/share/rapidfort/curated.json":         rapidFort,
	"etc/apk/repositories":                     apkRepositories,
	"lib/apk/db/installed":                     apkInstalled,
	"usr/lib/apk/db/installed":                 apkInstalled,
	"var/lib/dpkg/status":                      dpkgStatus,
	"usr/lib/sysimage/rpm/Packages":            rpmDatabase,
	"usr/lib/sysimage/rpm/Packages.db":         rpmDatabase,
	"usr/lib/sysimage/rpm/rpmdb.sqlite":        rpmDatabase,
	"usr/share/rpm/rpmdb.sqlite":               rpmDatabase,
	"var/lib/rpm/Packages":                     rpmDatabase,
	"var/lib/rpm/Packages.db":                  rpmDatabase,
	"var/lib/rpm/rpmdb.sqlite":                 rpmDatabase,
	"var/lib/rpmmanifest/container-manifest-2": rpmManifest,
}

var (
	condaMeta = regexp.MustCompile(`(^|/)envs/.+/conda-meta/.+-.+-.+\.json$`)
	gemspecs  = regexp.MustCompile(`(^|/)specifications/.+\.gemspec$`)
)

// analyser chooses by name and mode who looks into a file; nil where nobody does. Links are asked for by their name.
func analyser(name string, h *tar.Header) analyse {
	if a := exact[name]; a != nil {
		return a
	}
	dir, base := path.Split(name)
	switch dir {
	case "var/lib/dpkg/status.d/", "var/lib/dpkg/info/":
		if strings.HasSuffix(base, ".md5sums") {
			return dpkgFiles
		}
		if dir == "var/lib/dpkg/status.d/" {
			return dpkgStatus
		}
	case "root/buildinfo/content_manifests/", "usr/share/buildinfo/":
		if path.Ext(base) == ".json" {
			return contentManifest
		}
	case "root/buildinfo/":
		if strings.HasPrefix(base, "Dockerfile") {
			return buildDockerfile
		}
	}
	if isBill(name) {
		return billOfMaterials
	}
	if a := languageFile(name, base); a != nil {
		return a
	}
	if h.Typeflag == tar.TypeReg && (h.Mode&0o111 != 0 || path.Ext(base) == ".exe") && h.Size > 64 {
		return program
	}
	return nil
}

// languageFile chooses for the files of languages' package managers.
func languageFile(name, base string) analyse {
	switch {
	case base == "package.json":
		return nodePackage
	case base == "installed.json":
		return composerInstalled
	case base == "METADATA" && strings.Contains(name, ".dist-info/"),
		strings.HasSuffix(name, ".egg-info"), strings.HasSuffix(name, ".egg-info/PKG-INFO"),
		strings.HasSuffix(name, ".egg-info/METADATA"), strings.HasSuffix(name, "EGG-INFO/PKG-INFO"):
		return pythonPackage
	case strings.HasSuffix(base, ".egg"):
		return pythonEgg
	case strings.HasSuffix(base, ".deps.json"):
		return dotnetDeps
	case strings.HasSuffix(base, ".gemspec") && gemspecs.MatchString(name):
		return gemspec
	case strings.HasSuffix(base, ".json") && condaMeta.MatchString(name):
		return condaPackage
	}
	switch strings.ToLower(path.Ext(base)) {
	case ".jar", ".war", ".ear", ".par":
		return javaArchive
	}
	return nil
}
