package trivy

import (
	"path"
	"regexp"
	"strings"

	"github.com/aquasecurity/go-version/pkg/version"
	apk "github.com/knqyf263/go-apk-version"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

func apkInstalled(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	packages, files := parseApk(text)
	if err := in.walk.own(files); err != nil {
		return err
	}
	return in.list("", packages)
}

// parseApk reads Alpine's list: paragraphs of lines with a letter, a colon and a value. It also returns the files that
// the packages installed.
func parseApk(text []byte) (found []inventory.Package, files []string) {
	var p inventory.Package
	var dir string
	seen := map[string]bool{}
	end := func() {
		if p.Name != "" && p.Version != "" && !seen[p.Name] {
			seen[p.Name] = true
			p.Class = inventory.OSPackage
			found = append(found, p)
		}
		p = inventory.Package{}
	}
	var written string
	for line := range lines(text) {
		if len(line) < 2 {
			end()
			continue
		}
		value := line[2:]
		switch line[:2] {
		case "P:":
			p.Name = value
		case "V:":
			if written = value; apk.Valid(value) {
				p.Version = value
			}
		case "o:":
			p.SrcName, p.SrcVersion = value, written
		case "A:":
			p.Arch = value
		case "L:":
			p.Licenses = splitLicenses(value)
		case "F:":
			dir = value
		case "R:":
			files = append(files, path.Join(dir, value))
		}
	}
	end()
	return found, files
}

// splitLicenses takes the words out of an expression.
func splitLicenses(expression string) (found []string) {
	for word := range strings.FieldsSeq(expression) {
		switch word = strings.Trim(word, "(),"); strings.ToUpper(word) {
		case "", "AND", "OR", "WITH":
		default:
			found = append(found, word)
		}
	}
	return found
}

var repository = regexp.MustCompile(`(?:https*|ftp)://[0-9A-Za-z.-]+/([A-Za-z]+)/v?([0-9A-Za-z_.-]+)/`)

// apkRepositories reads which release packages come from. It may be another than the system's, "edge" above all.
func apkRepositories(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	if stream := parseRepositories(text); stream != "" {
		in.said = true
		in.walk.layer.Stream = stream
	}
	return nil
}

// parseRepositories returns the newest release that is named, as the branch of two numbers.
func parseRepositories(text []byte) (newest string) {
	for line := range lines(text) {
		m := repository.FindStringSubmatch(line)
		switch {
		case m == nil:
			continue
		case m[1] != "alpine":
			return "" // another distribution's
		case newest == "":
			newest = m[2]
		case newest == "edge" || m[2] == "edge":
			newest = "edge"
		default:
			old, err1 := version.Parse(newest)
			other, err2 := version.Parse(m[2])
			if err1 == nil && err2 == nil && other.GreaterThan(old) {
				newest = m[2]
			}
		}
	}
	if strings.Count(newest, ".") > 1 {
		newest = newest[:strings.LastIndexByte(newest, '.')]
	}
	return newest
}
