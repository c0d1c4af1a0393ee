package trivy

import (
	"bytes"
	"iter"
	"path"
	"regexp"
	"strings"

	version "github.com/knqyf263/go-deb-version"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// dpkgStatus reads Debian's list of packages, or the file of one package that images without a package manager have.
func dpkgStatus(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	return in.list("", parseDpkg(text))
}

// parseDpkg reads paragraphs of fields. Those that are broken are passed over: the others are there.
func parseDpkg(text []byte) []inventory.Package {
	var found []inventory.Package
	seen := map[[2]string]bool{}
	for fields := range paragraphs(text) {
		p, ok := dpkgPackage(fields)
		key := [2]string{p.Name, p.Installed()}
		if ok && !seen[key] { // the same of another architecture
			seen[key] = true
			found = append(found, p)
		}
	}
	return found
}

// wanted are the fields that are kept. Names of fields don't depend on case.
var wanted = map[string]bool{"package": true, "status": true, "version": true, "source": true, "architecture": true, "maintainer": true}

// paragraphs yields the fields of each paragraph. Lines that continue one above say nothing that we need.
func paragraphs(text []byte) iter.Seq[map[string]string] {
	return func(yield func(map[string]string) bool) {
		fields := map[string]string{}
		for len(text) > 0 {
			var line []byte
			line, text, _ = bytes.Cut(text, []byte("\n"))
			line = bytes.TrimRight(line, "\r")
			if len(bytes.TrimSpace(line)) == 0 {
				if len(fields) > 0 && !yield(fields) {
					return
				}
				fields = map[string]string{}
				continue
			}
			name, value, ok := bytes.Cut(line, []byte(":"))
			if !ok || line[0] == ' ' || line[0] == '\t' || len(name) > 16 {
				continue
			}
			if key := strings.ToLower(string(name)); wanted[key] && fields[key] == "" {
				fields[key] = string(bytes.TrimSpace(value))
			}
		}
		if len(fields) > 0 {
			yield(fields)
		}
	}
}

var sourceField = regexp.MustCompile(`^(\S*)(?: \((.*)\))?`)

func dpkgPackage(fields map[string]string) (p inventory.Package, ok bool) {
	for state := range strings.FieldsSeq(fields["status"]) {
		if state == "deinstall" || state == "purge" {
			return p, false
		}
	}
	p.Name, p.Arch = fields["package"], fields["architecture"]
	source, sourceVersion := p.Name, fields["version"]
	if m := sourceField.FindStringSubmatch(fields["source"]); m != nil {
		if m[1] != "" {
			source = m[1]
		}
		if m[2] != "" {
			sourceVersion = strings.TrimSpace(m[2])
		}
	}
	v, err := version.NewVersion(fields["version"])
	if p.Name == "" || fields["version"] == "" || err != nil {
		return p, false
	}
	s, err := version.NewVersion(sourceVersion)
	if err != nil {
		return p, false
	}
	p.Class = inventory.OSPackage
	p.Version, p.Epoch, p.Release = v.Version(), v.Epoch(), v.Revision()
	p.SrcName, p.SrcVersion, p.SrcEpoch, p.SrcRelease = source, s.Version(), s.Epoch(), s.Revision()
	p.ThirdParty = foreignMaintainer(fields["maintainer"])
	return p, true
}

// foreign are maintainers who publish packages in repositories of their own. dpkg doesn't say where a package came
// from; this is how Trivy tells.
var foreign = []string{
	"support@docker.com", "@nvidia.com", "Google Cloud CLI Authors", "sapmachine@sap.com", "@hashicorp.com", "@microsoft.com",
	"@mongodb.com", "developers@lists.mariadb.org", "dev@couchdb.apache.org", "info@elastic.co", "nginx-packaging@f5.com",
	"@konghq.com", "@cloudflare.com", "support@influxdb.com", "support@gitlab.com", "contact@grafana.com", "@datadoghq.com",
	"@nodesource.com", "info@tailscale.com", "@openrobotics.org", "@osrfoundation.org",
}

func foreignMaintainer(maintainer string) bool {
	if maintainer == "GitHub" || maintainer == "HashiCorp" {
		return true
	}
	for _, f := range foreign {
		if strings.Contains(maintainer, f) {
			return true
		}
	}
	return false
}

// dpkgFiles reads which files a package of Debian installed. Libraries among them are the distribution's, which knows
// best what is fixed in them.
func dpkgFiles(in *input) error {
	in.said = true
	text, err := in.text()
	if err != nil {
		return err
	}
	var files []string
	for line := range lines(text) {
		if _, file, ok := strings.Cut(line, "  "); ok {
			files = append(files, file)
		}
	}
	return in.walk.installs(strings.TrimSuffix(path.Base(in.path), ".md5sums"), files)
}
