// Package scantest makes what tests of scanning need: two editions of a vulnerability database in Trivy's format, four
// images, and what is to be found in each with each edition. Everything is made from facts in data/, whose README
// names the sources and their licences. Only tests import it.
package scantest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"strings"
)

//go:embed data/*.gz
var data embed.FS

// table returns the lines of a file in data, split at tabs.
func table(name string) [][]string {
	packed, err := data.ReadFile("data/" + name)
	if err != nil {
		panic(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	var rows [][]string
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		rows = append(rows, strings.Split(lines.Text(), "\t"))
	}
	return rows
}

// Expected lists what is to be found in an image with an edition (1 or 2), sorted, each as
// class|package|installed|id|fixed|severity; a class is os-pkgs or Trivy's type of application.
func Expected(image string, edition int) (found []string) {
	prefix := fmt.Sprintf("%s|%d|", image, edition)
	for _, row := range table("expected.txt.gz") {
		if rest, ok := strings.CutPrefix(row[0], prefix); ok {
			found = append(found, rest)
		}
	}
	return found
}
