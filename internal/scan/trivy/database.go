package trivy

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"go.etcd.io/bbolt"
)

// SchemaVersion is the only one of Trivy's database that is understood.
const SchemaVersion = db.SchemaVersion

// Database is an open edition. A process has one: Trivy keeps it in a variable of its own.
type Database struct {
	described map[known]described
}

// OpenDatabase opens trivy.db, which may be a file without a name. It is only read.
func OpenDatabase(file *os.File) (*Database, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < 4096 {
		return nil, contentf("the vulnerability database is no database: it has %d bytes", info.Size())
	}
	opened := false
	options := &bbolt.Options{ReadOnly: true, Timeout: time.Second, OpenFile: func(string, int, os.FileMode) (*os.File, error) {
		if opened {
			return nil, errors.New("the database is opened once")
		}
		opened = true
		return file, nil
	}}
	if err := db.Init(".", db.WithBoltOptions(options)); err != nil {
		return nil, contentf("the vulnerability database can't be opened: %v", errors.Unwrap(err))
	}
	return &Database{described: map[known]described{}}, nil
}

// Close closes the database and its file.
func (*Database) Close() error { return db.Close() }

// Metadata is what metadata.json says.
type Metadata struct {
	Version    int
	UpdatedAt  time.Time
	NextUpdate time.Time
}

// ParseMetadata reads metadata.json, and refuses a schema that isn't understood.
func ParseMetadata(text []byte) (m Metadata, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		return m, contentf("metadata.json is not valid: %v", err)
	}
	if m.Version != SchemaVersion {
		return m, contentf("metadata.json: the database has schema version %d, expected %d", m.Version, SchemaVersion)
	}
	if m.UpdatedAt.IsZero() {
		return m, contentf("metadata.json doesn't say when the database was updated")
	}
	return m, nil
}

// Check looks through the database: every page that is in use is reached and whole, and there are vulnerabilities.
func (*Database) Check() error {
	return db.Config{}.Connection().View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			return contentf("the vulnerability database is damaged: %v", err)
		}
		vulnerabilities := tx.Bucket([]byte("vulnerability"))
		if vulnerabilities == nil {
			return contentf("the vulnerability database has no vulnerabilities")
		}
		if key, _ := vulnerabilities.Cursor().First(); key == nil {
			return contentf("the vulnerability database has no vulnerabilities")
		}
		return nil
	})
}

// hasBucket is whether there are advisories in a bucket, or in any whose name begins with it.
func hasBucket(name string, prefix bool) (has bool) {
	_ = db.Config{}.Connection().View(func(tx *bbolt.Tx) error {
		key, _ := tx.Cursor().Seek([]byte(name))
		has = string(key) == name || prefix && key != nil && strings.HasPrefix(string(key), name)
		return nil
	})
	return has
}

// bucket is the name of the bucket for a distribution's release; "" where it isn't known, or isn't by release.
func bucket(family, release string) string {
	format := map[string]string{
		"alma": "alma %s", "alpine": "alpine %s", "amazon": "amazon linux %s", "azurelinux": "Azure Linux %s", "cbl-mariner": "CBL-Mariner %s",
		"debian": "debian %s", "opensuse-leap": "openSUSE Leap %s", "oracle": "Oracle Linux %s", "photon": "Photon OS %s",
		"rocky": "rocky %s", "sles": "SUSE Linux Enterprise %s", "slem": "SUSE Linux Enterprise Micro %s", "ubuntu": "ubuntu %s",
	}[family]
	if format == "" {
		return ""
	}
	return fmt.Sprintf(format, release)
}
