package trivy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	rpmdb "github.com/knqyf263/go-rpmdb/pkg"
	// The parser of RPM's SQLite databases opens them by the name of this driver.
	_ "modernc.org/sqlite"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// rpmDatabase reads RPM's database in any of its formats. Their parsers open a file by its name.
func rpmDatabase(in *input) error {
	if in.walk.rpm == "" || in.size > in.walk.limits.Spooled {
		return errTooLarge
	}
	if in.size < 512 {
		return errors.New("it is too short to be a database")
	}
	if err := writeDatabase(in, in.walk.rpm); err != nil {
		return err
	}
	defer func() { _ = os.Truncate(in.walk.rpm, 0) }()
	db, err := rpmdb.Open(in.walk.rpm)
	if err != nil {
		return fmt.Errorf("it is no database of RPM's: %w", err)
	}
	defer func() { _ = db.Close() }()
	list, err := db.ListPackages()
	if err != nil {
		return fmt.Errorf("RPM's database can't be read: %w", err)
	}
	packages := make([]inventory.Package, 0, len(list))
	for _, p := range list {
		r := rpmPackage{name: p.Name, version: p.Version, release: p.Release, arch: p.Arch, epoch: p.EpochNum(),
			source: p.SourceRpm, vendor: p.Vendor, license: p.License, modularity: p.Modularitylabel}
		if !r.foreign() {
			files, err := p.InstalledFileNames()
			if err != nil {
				return fmt.Errorf("RPM's database can't be read: %w", err)
			}
			if err := in.walk.own(files); err != nil {
				return err
			}
		}
		packages = append(packages, r.toPackage())
	}
	return in.list("", packages)
}

// writeDatabase writes a database down. One of SQLite that was left in the mode of a log beside it is marked as
// one without: opening it would make that log, and the child may make no files.
func writeDatabase(in *input, name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return fmt.Errorf("write the database down: %w", err)
	}
	head := make([]byte, 32)
	if _, err = io.ReadFull(in, head); err == nil {
		if bytes.HasPrefix(head, []byte("SQLite format 3\x00")) {
			head[18], head[19] = 1, 1
		}
		_, err = io.Copy(f, io.MultiReader(bytes.NewReader(head), in))
	}
	return errors.Join(err, f.Close())
}

// rpmPackage is what a database or a list says of a package.
type rpmPackage struct {
	name, version, release, arch string
	epoch                        int
	source, vendor, license      string
	modularity                   string
}

func (r rpmPackage) toPackage() (p inventory.Package) {
	p.Class = inventory.OSPackage
	p.Name, p.Version, p.Release, p.Epoch, p.Arch = r.name, r.version, r.release, r.epoch, r.arch
	if p.Arch == "" {
		p.Arch = "None"
	}
	p.SrcEpoch = r.epoch // the name of the source package doesn't tell it
	p.SrcName, p.SrcVersion, p.SrcRelease = splitRPM(r.source)
	p.Modularity, p.ThirdParty = r.modularity, r.foreign()
	if r.license != "" {
		p.Licenses = []string{r.license}
	}
	return p
}

// splitRPM takes a file name such as bash-5.1.8-6.el9.src.rpm apart.
func splitRPM(file string) (name, version, release string) {
	file = strings.TrimSuffix(file, ".rpm")
	dot := strings.LastIndexByte(file, '.')
	if dot < 0 {
		return "", "", ""
	}
	rest := file[:dot]
	second := strings.LastIndexByte(rest, '-')
	if second < 0 {
		return "", "", ""
	}
	first := strings.LastIndexByte(rest[:second], '-')
	if first < 0 {
		return "", "", ""
	}
	return rest[:first], rest[first+1 : second], rest[second+1:]
}

// vendors are the beginnings of what distributions write as a package's vendor.
var vendors = []string{"Amazon Linux", "Amazon.com", "CentOS", "Fedora Project", "Oracle America", "Red Hat", "AlmaLinux", "CloudLinux",
	"VMware", "SUSE", "openSUSE", "Microsoft Corporation", "Rocky"}

func (r rpmPackage) foreign() bool {
	if r.vendor == "" {
		return !strings.Contains(r.release, "amzn") // Amazon leaves the vendor out
	}
	for _, v := range vendors {
		if strings.HasPrefix(r.vendor, v) {
			return false
		}
	}
	return true
}

// rpmManifest reads the list that images of CBL-Mariner and Azure Linux without RPM's database have: ten columns, of which
// we need name, version-release, architecture, epoch and source package.
func rpmManifest(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	packages, err := parseRPMManifest(text)
	if err != nil {
		return err
	}
	return in.list("", packages)
}

func parseRPMManifest(text []byte) (found []inventory.Package, err error) {
	for line := range lines(text) {
		c := strings.Split(line, "\t")
		if len(c) != 10 {
			return nil, errors.New("a line hasn't ten columns")
		}
		version, release, ok := strings.Cut(c[1], "-")
		if !ok || strings.Contains(release, "-") {
			return nil, errors.New("a version has no release")
		}
		epoch, err := strconv.Atoi(c[8])
		if err != nil {
			return nil, errors.New("an epoch is no number")
		}
		p := rpmPackage{name: c[0], version: version, release: release, arch: c[7], epoch: epoch, source: c[9]}.toPackage()
		p.ThirdParty = false // the list is the distribution's own
		found = append(found, p)
	}
	return found, nil
}
