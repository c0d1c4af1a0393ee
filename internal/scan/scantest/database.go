package scantest

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// UpdatedAt is when an edition was published.
func UpdatedAt(edition int) time.Time {
	return time.Date(2026, 11, 1+22*(edition-1), 6, 0, 0, 0, time.UTC)
}

// source is where the advisories of an ecosystem come from, and the bucket that they lie in.
type source struct{ bucket, id, name, url string }

var sources = map[string]source{
	"debian:12": {"debian 12", "debian", "Debian Security Tracker", "https://salsa.debian.org/security-tracker-team/security-tracker"},
	"Go":        {"go::The Go Vulnerability Database", "govulndb", "The Go Vulnerability Database", "https://pkg.go.dev/vuln/"},
	"npm":       {"npm::Node.js Ecosystem Security Working Group", "nodejs-security-wg", "Node.js Ecosystem Security Working Group", "https://github.com/nodejs/security-wg"},
	"PyPI":      {"pip::Python Packaging Advisory Database", "osv", "Python Packaging Advisory Database", "https://github.com/pypa/advisory-database"},
	"Maven":     {"maven::Victims CVE Database", "victims", "Victims CVE Database", "https://github.com/victims/victims-cve-db"},
}

// advisory and vulnerability are records in the words of Trivy's database.
type advisory struct {
	VendorIDs          []string `json:",omitempty"`
	FixedVersion       string   `json:",omitempty"`
	PatchedVersions    []string `json:",omitempty"`
	VulnerableVersions []string `json:",omitempty"`
}

type vulnerability struct {
	Title            string         `json:",omitempty"`
	Severity         string         `json:",omitempty"`
	VendorSeverity   map[string]int `json:",omitempty"`
	CVSS             map[string]any `json:",omitempty"`
	References       []string       `json:",omitempty"`
	PublishedDate    *time.Time     `json:",omitempty"`
	LastModifiedDate *time.Time     `json:",omitempty"`
}

var severities = map[string]int{"LOW": 1, "MEDIUM": 2, "HIGH": 3, "CRITICAL": 4}

// columns of an advisory.
const (
	ecosystem = iota
	pkg
	id
	vulnerable
	fixed
	severity
	vector
	score
	title
	published
	modified
	aliases
	links
)

// WriteDatabase makes trivy.db and metadata.json of an edition (1 or 2) in a folder.
func WriteDatabase(dir string, edition int) error {
	rows, order := map[string][]string{}, []string{}
	for i := 1; i <= edition; i++ {
		for _, r := range table(fmt.Sprintf("advisories%d.tsv.gz", i)) {
			key := strings.Join(r[:3], "\t")
			if rows[key] == nil {
				order = append(order, key)
			}
			rows[key] = r
		}
	}
	db, err := bbolt.Open(filepath.Join(dir, "trivy.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		details := map[string]*vulnerability{}
		for _, key := range order {
			if err := putAdvisory(tx, rows[key]); err != nil {
				return err
			}
			describe(details, rows[key])
		}
		for name, v := range details {
			if err := put(tx, name, v, "vulnerability"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	at := UpdatedAt(edition)
	text, err := json.Marshal(map[string]any{"Version": 2, "UpdatedAt": at, "NextUpdate": at.Add(24 * time.Hour), "DownloadedAt": at})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "metadata.json"), text, 0o600)
}

func putAdvisory(tx *bbolt.Tx, r []string) error {
	s := sources[r[ecosystem]]
	name := r[pkg]
	if r[ecosystem] == "npm" || r[ecosystem] == "PyPI" {
		name = strings.ToLower(name)
	}
	if r[ecosystem] == "PyPI" {
		name = strings.NewReplacer("_", "-", ".", "-").Replace(name)
	}
	var a advisory
	if s.id == "debian" {
		a.FixedVersion = r[fixed]
	} else {
		a.VulnerableVersions, a.PatchedVersions = split(r[vulnerable], "||"), split(r[fixed], ",")
		for _, alias := range strings.Fields(r[aliases]) {
			if !strings.HasPrefix(alias, "CVE-") {
				a.VendorIDs = append(a.VendorIDs, alias)
			}
		}
	}
	if err := put(tx, s.bucket, map[string]string{"ID": s.id, "Name": s.name, "URL": s.url}, "data-source"); err != nil {
		return err
	}
	return put(tx, r[id], a, s.bucket, name)
}

func split(text, by string) (parts []string) {
	for p := range strings.SplitSeq(text, by) {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

// describe adds what an advisory says of its vulnerability. Debian rates nothing here, so ratings of its count as NVD's,
// where Trivy looks next.
func describe(details map[string]*vulnerability, r []string) {
	v := details[r[id]]
	if v == nil {
		v = &vulnerability{Severity: "UNKNOWN"}
		details[r[id]] = v
	}
	if v.Title == "" {
		v.Title = r[title]
	}
	if n := severities[r[severity]]; n > 0 {
		by := sources[r[ecosystem]].id
		if by == "debian" {
			by = "nvd"
		}
		if v.VendorSeverity == nil {
			v.VendorSeverity = map[string]int{}
		}
		v.VendorSeverity[by], v.Severity = n, r[severity]
		if strings.HasPrefix(r[vector], "CVSS:3") {
			n, _ := strconv.ParseFloat(r[score], 64)
			if v.CVSS == nil {
				v.CVSS = map[string]any{}
			}
			v.CVSS[by] = map[string]any{"V3Vector": r[vector], "V3Score": n}
		}
	}
	v.References = append(v.References, strings.Fields(r[links])...)
	if t, err := time.Parse(time.RFC3339, r[published]); err == nil && v.PublishedDate == nil {
		v.PublishedDate = &t
	}
	if t, err := time.Parse(time.RFC3339, r[modified]); err == nil && v.LastModifiedDate == nil {
		v.LastModifiedDate = &t
	}
}

func put(tx *bbolt.Tx, key string, value any, path ...string) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(path[0]))
	for _, name := range path[1:] {
		if err == nil {
			bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
		}
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return bucket.Put([]byte(key), text)
}

// WriteArchive packs the folder of an edition as Trivy's registries do: a gzipped tar of both files.
func WriteArchive(w io.Writer, dir string) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, name := range []string{"trivy.db", "metadata.json"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			return err
		}
		if _, err := t.Write(text); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}
