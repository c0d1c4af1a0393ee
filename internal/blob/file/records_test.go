package file

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A killed writer of a record leaves a file, which a start removes an hour later.
func TestUnfinishedRecordsGo(t *testing.T) {
	dir := t.TempDir()
	records := filepath.Join(dir, recordsDir)
	if err := os.Mkdir(records, dirMode); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * unfinishedFor)
	for name, stays := range map[string]bool{"~ABANDONED": false, "~FRESH": true, "kept": true} {
		file := filepath.Join(records, name)
		if err := os.WriteFile(file, nil, fileMode); err != nil {
			t.Fatal(err)
		}
		if name != "~FRESH" {
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(file); (err == nil) != stays {
			t.Errorf("%s: %v, should stay: %v", name, err, stays)
		}
	}
}
