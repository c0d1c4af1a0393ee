package trivy

import (
	"archive/zip"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	version "github.com/masahiro331/go-mvn-version"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// javaArchive reads jars and archives of jars. Trivy's parser unpacks nested ones to temporary files without a bound on
// their number and depth; this one holds to the limits, and looks at archives that lie uncompressed in another, as in
// Spring's, where they lie. Like Trivy without its database of jars by hash, it goes by pom.properties and the manifest.
func javaArchive(in *input) error {
	c, err := in.content()
	if err != nil {
		return err
	}
	j := &jar{walk: in.walk, inner: in.walk.limits.Inner, members: in.walk.limits.Members}
	if err := j.read(in.path, c, 0); err != nil {
		return err
	}
	if j.left != "" {
		in.walk.unread("%s", j.left)
	}
	return in.list(ftypes.Jar, j.packages())
}

// jar is an archive with all that is in it.
type jar struct {
	walk    *walk
	inner   int64 // bytes that may still be unpacked
	members int   // that may still be looked at
	found   []coordinates
	left    string // why something in it was left out
}

// coordinates name what Maven publishes.
type coordinates struct {
	group, artifact, version, path string
}

func (c coordinates) complete() bool { return c.group != "" && c.artifact != "" && c.version != "" }

var errTooMany = errors.New("the archive has too many files")

func (j *jar) read(name string, c content, depth int) error {
	z, err := zip.NewReader(c, c.Size())
	if err != nil {
		return err
	}
	if j.members -= len(z.File); j.members < 0 {
		return errTooMany
	}
	var written manifest
	own := byName(name)
	ownFound := false
	for _, f := range z.File {
		switch base := path.Base(f.Name); {
		case base == "pom.properties":
			text, err := member(f, 1<<20)
			if err != nil {
				j.leave(name, f.Name, err)
				continue
			}
			if p := parseProperties(text, name); p.complete() {
				j.found = append(j.found, p)
				ownFound = ownFound || p.artifact == own.artifact && p.version == own.version
			}
		case base == "MANIFEST.MF":
			text, err := member(f, 10<<20)
			if err != nil {
				j.leave(name, f.Name, err)
				continue
			}
			written = parseManifest(text)
		case nested(f.Name):
			if err := j.nest(name, f, c, depth); err != nil {
				if errors.Is(err, errTooMany) {
					return err
				}
				j.leave(name, f.Name, err)
			}
		}
	}
	if p := written.coordinates(name); !ownFound && p.complete() {
		j.found = append(j.found, p)
	}
	return nil
}

func (j *jar) leave(name, inner string, err error) {
	if j.left == "" {
		j.left = name + ": " + inner + ": " + short(err)
	}
}

func nested(name string) bool {
	switch path.Ext(name) {
	case ".jar", ".war", ".ear":
		return true
	}
	return false
}

// nest reads an archive in an archive.
func (j *jar) nest(name string, f *zip.File, outer io.ReaderAt, depth int) error {
	within := path.Join(name, f.Name) //nolint:gosec // a name for people: nothing is written there
	if !strings.HasPrefix(within, name+"/") {
		return nil // it would lead out of the archive
	}
	if depth+1 > j.walk.limits.Nesting {
		return errors.New("too many archives in archives, not read")
	}
	if f.UncompressedSize64 > uint64(max(j.inner, 0)) {
		return errors.New("too large unpacked, not read")
	}
	size := int64(f.UncompressedSize64)
	if at, err := f.DataOffset(); err == nil && f.Method == zip.Store && f.CompressedSize64 == f.UncompressedSize64 {
		return j.read(within, io.NewSectionReader(outer, at, size), depth+1)
	}
	j.inner -= size
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	mark := j.walk.spool.end
	c, err := j.walk.spool.hold(r, size, j.walk.limits.Memory/4)
	if err != nil {
		return err
	}
	err = j.read(within, c, depth+1)
	return errors.Join(err, j.walk.spool.cut(mark))
}

var jarName = regexp.MustCompile(`^([a-zA-Z0-9._-]*[^-*])-(\d\S*(?:-SNAPSHOT)?)\.jar$`)

// byName reads artifact and version out of a file's name, as Maven writes it.
func byName(name string) coordinates {
	m := jarName.FindStringSubmatch(path.Base(name))
	if m == nil {
		return coordinates{path: name}
	}
	return coordinates{artifact: m[1], version: m[2], path: name}
}

func parseProperties(text []byte, name string) coordinates {
	c := coordinates{path: name}
	for line := range lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
		case "groupId":
			c.group = value
		case "artifactId":
			c.artifact = value
		case "version":
			c.version = value
		}
	}
	return c
}

// manifest are the main attributes of a MANIFEST.MF.
type manifest map[string]string

func parseManifest(text []byte) manifest {
	m := manifest{}
	last := ""
	for line := range lines(text) {
		if rest, ok := strings.CutPrefix(line, " "); ok && last != "" {
			m[last] += rest // lines are at most 72 bytes, and go on like this
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if last = ""; ok && m[key] == "" {
			m[key], last = strings.TrimPrefix(value, " "), key
		}
	}
	return m
}

// coordinates are what a manifest says most likely. Attributes are free text by many tools; those of OSGi are exact.
func (m manifest) coordinates(name string) coordinates {
	first := func(keys ...string) string {
		for _, k := range keys {
			if v := strings.TrimSpace(m[k]); v != "" {
				return v
			}
		}
		return ""
	}
	symbolic, _, _ := strings.Cut(m["Bundle-SymbolicName"], ";")
	if i := strings.LastIndexByte(symbolic, '.'); i > 0 {
		symbolic = symbolic[:i]
	}
	group := first("Implementation-Vendor-Id")
	if group == "" {
		group = strings.TrimSpace(symbolic)
	}
	if group == "" {
		group = first("Implementation-Vendor", "Specification-Vendor")
	}
	return coordinates{
		group:    group,
		artifact: first("Implementation-Title", "Specification-Title", "Bundle-Name"),
		version:  first("Implementation-Version", "Specification-Version", "Bundle-Version"),
		path:     name,
	}
}

// packages leaves out what is named twice in one archive, as version 2.17 and as 2.17.0 too.
func (j *jar) packages() []inventory.Package {
	seen := map[string][]version.Version{}
	var found []ftypes.Package
	for _, c := range j.found {
		p := ftypes.Package{Name: c.group + ":" + c.artifact, Version: c.version, FilePath: c.path}
		v, err := version.NewVersion(c.version)
		if err != nil {
			continue
		}
		key := p.Name + "\x00" + p.FilePath
		known := false
		for _, other := range seen[key] {
			known = known || other.Equal(v)
		}
		if !known {
			seen[key] = append(seen[key], v)
			found = append(found, p)
		}
	}
	return asPackages(ftypes.Jar, "", found)
}
