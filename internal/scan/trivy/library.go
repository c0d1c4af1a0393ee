package trivy

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	gobinary "github.com/aquasecurity/trivy/pkg/dependency/parser/golang/binary"
	"github.com/aquasecurity/trivy/pkg/dependency/parser/nodejs/packagejson"
	"github.com/aquasecurity/trivy/pkg/dependency/parser/python/packaging"
	gem "github.com/aquasecurity/trivy/pkg/dependency/parser/ruby/gemspec"
	rustbinary "github.com/aquasecurity/trivy/pkg/dependency/parser/rust/binary"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	xio "github.com/aquasecurity/trivy/pkg/x/io"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// parser is one of Trivy's.
type parser interface {
	Parse(ctx context.Context, r xio.ReadSeekerAt) ([]ftypes.Package, []ftypes.Dependency, error)
}

// asPackages takes over what a parser of Trivy's found in a file.
func asPackages(kind ftypes.LangType, path string, found []ftypes.Package) []inventory.Package {
	packages := make([]inventory.Package, 0, len(found))
	for i := range found {
		p := inventory.Package{Path: path, Licenses: plainLicenses(found[i].Licenses)}
		p.Class, p.Scope = inventory.Library, string(kind)
		p.Name, p.Version = found[i].Name, found[i].Version
		if found[i].FilePath != "" {
			p.Path = found[i].FilePath
		}
		if p.Name == "" {
			continue
		}
		p.PURL = libraryPURL(kind, &found[i])
		packages = append(packages, p)
	}
	return packages
}

// plainLicenses leaves out those that only name a file with the text.
func plainLicenses(all []string) (kept []string) {
	for _, l := range all {
		if !strings.HasPrefix(l, "file://") {
			kept = append(kept, l)
		}
	}
	return kept
}

// whole reads a small file by one of Trivy's parsers.
func whole(in *input, kind ftypes.LangType, p parser) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	found, _, err := p.Parse(context.Background(), bytes.NewReader(text))
	if err != nil {
		return err
	}
	return in.list(kind, asPackages(kind, in.path, found))
}

func pythonPackage(in *input) error { return whole(in, ftypes.PythonPkg, packaging.NewParser()) }

func gemspec(in *input) error { return whole(in, ftypes.GemSpec, gem.NewParser()) }

func nodePackage(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	found, err := packagejson.NewParser().Parse(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if found.Package.ID == "" {
		return nil // without name or version: an application's, or a part of a package
	}
	return in.list(ftypes.NodePkg, asPackages(ftypes.NodePkg, in.path, []ftypes.Package{found.Package}))
}

// magic are the first bytes of programs: ELF, Windows, macOS.
var magic = [][]byte{{0x7f, 'E', 'L', 'F'}, {'M', 'Z'}, {0xfe, 0xed, 0xfa}, {0xce, 0xfa, 0xed, 0xfe}, {0xcf, 0xfa, 0xed, 0xfe}, {0xca, 0xfe, 0xba, 0xbe}}

// program looks for what Go and Rust (by cargo auditable) write into programs. Their parsers seek what they need.
func program(in *input) error {
	head := make([]byte, 4)
	if _, err := io.ReadFull(in, head); err != nil {
		return err
	}
	if !isProgram(head) {
		return errUninteresting
	}
	if in.size > in.walk.limits.Spooled {
		return errTooLarge
	}
	c, err := in.walk.spool.hold(io.MultiReader(bytes.NewReader(head), in), in.size, in.walk.limits.Memory)
	if err != nil {
		return err
	}
	for kind, p := range map[ftypes.LangType]parser{ftypes.GoBinary: gobinary.NewParser(), ftypes.RustBinary: rustbinary.NewParser()} {
		found, _, err := p.Parse(context.Background(), c)
		if err != nil {
			continue // another language's, or damaged: Trivy's parsers tell some apart, by errors of many kinds
		}
		if err := in.list(kind, asPackages(kind, in.path, found)); err != nil {
			return err
		}
	}
	if !in.said {
		return errUninteresting
	}
	return nil
}

func isProgram(head []byte) bool {
	for _, m := range magic {
		if bytes.HasPrefix(head, m) {
			return true
		}
	}
	return false
}

// pythonEgg reads the metadata in a package that is a ZIP archive.
func pythonEgg(in *input) error {
	c, err := in.content()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(c, c.Size())
	if err != nil {
		return err
	}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, "EGG-INFO/PKG-INFO") && !strings.HasSuffix(f.Name, ".egg-info") &&
			!strings.HasSuffix(f.Name, ".egg-info/PKG-INFO") && !strings.HasSuffix(f.Name, ".egg-info/METADATA") {
			continue
		}
		text, err := member(f, in.walk.limits.Memory)
		if err != nil {
			return err
		}
		found, _, err := packaging.NewParser().Parse(context.Background(), bytes.NewReader(text))
		if err != nil {
			return err
		}
		return in.list(ftypes.PythonPkg, asPackages(ftypes.PythonPkg, in.path, found))
	}
	return nil
}

// member reads a small file of an archive.
func member(f *zip.File, most int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(text)) > most {
		err = errors.New("it is too large")
	}
	return text, err
}
