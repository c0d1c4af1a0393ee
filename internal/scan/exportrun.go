package scan

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

const (
	partSize    = 1 << 20 // bytes of CSV in a row
	maxExported = 2 << 30 // bytes of CSV in all
	exportPage  = 200
)

var exportHeader = []string{"Repository", "Artifact Digest", "CVE", "Package", "Current Version", "Fixed in version", "Severity", "CWE Ids", "Additional Data", "Scanner"}

// exporter writes the file of one export.
type exporter struct {
	*Service
	*job.Run
	Selection
	named, tagged, found patterns // of the selection, compiled
	scanner              Scanner
	text                 bytes.Buffer
	csv                  *csv.Writer
	parts                int64
	total                int64
	rows                 int64
}

// doExport writes the file, from the start with each try.
func (s *Service) doExport(ctx context.Context, r *job.Run) error {
	x := &exporter{Service: s, Run: r}
	if err := r.Decode(&x.Selection); err != nil {
		return job.Permanent(err)
	}
	var err error
	for list, of := range map[*patterns][]string{&x.named: x.Selection.Repositories, &x.tagged: x.Tags, &x.found: x.CVEs} {
		if *list, err = compile(of); err != nil {
			return job.Permanent(err)
		}
	}
	if x.scanner, err = s.scanners.InForce(ctx, x.ProjectID); err != nil {
		return err
	}
	x.csv = csv.NewWriter(&x.text)
	id := r.Task().ExecutionID
	if err := r.WriteRelaxed(ctx, func(tx db.Tx) error { _, err := tx.Exec(ctx, dropParts, id); return err }); err != nil {
		return err
	}
	if err := x.csv.Write(exportHeader); err != nil {
		return err
	}
	if err := x.repositories(ctx); err != nil {
		return err
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	r.Logf("%d findings exported, %d bytes", x.rows, x.total)
	return r.Finish(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, exportReady, id, db.Micros(s.clock().Add(exportLife)))
		return err
	})
}

const (
	repositoriesAfter = `SELECT id, name FROM repository WHERE project_id = $1 AND id > $2 AND NOT hidden ORDER BY id LIMIT $3`
	imagesAfter       = `SELECT id, digest FROM manifest WHERE repository_id = $1 AND id > $2 AND type = 'IMAGE' AND accessory_of = '' ORDER BY id LIMIT $3`
)

var (
	tagsOf     = inQuery{`SELECT manifest_id, name FROM tag WHERE manifest_id IN `, ""}
	labelledBy = inQuery{`SELECT manifest_id, label_id FROM artifact_label WHERE manifest_id IN `, ""}
)

type named struct {
	id   int64
	name string
}

func scanNamed(r db.Row) (n named, err error) {
	err = r.Scan(&n.id, &n.name)
	return n, err
}

func (x *exporter) repositories(ctx context.Context) error {
	for after := int64(0); ; {
		page, err := db.Collect(ctx, x.db.Auto(), scanNamed, repositoriesAfter, x.ProjectID, after, exportPage)
		if err != nil {
			return err
		}
		for _, repository := range page {
			after = repository.id
			if !x.named.match(repository.name, x.Project+"/"+repository.name) {
				continue
			}
			if err := x.repository(ctx, repository); err != nil {
				return fmt.Errorf("export %s/%s: %w", x.Project, repository.name, err)
			}
		}
		if len(page) < exportPage {
			return nil
		}
	}
}

func (x *exporter) repository(ctx context.Context, repository named) error {
	full := registry.Ref{Project: x.Project, Name: repository.name}.FullName()
	for after := int64(0); ; {
		page, err := db.Collect(ctx, x.db.Auto(), scanNamed, imagesAfter, repository.id, after, exportPage)
		if err != nil {
			return err
		}
		chosen, err := x.choose(ctx, page)
		if err != nil {
			return err
		}
		reports, err := reportsByDigest(ctx, x.db.Auto(), x.scanner.ID, chosen)
		if err != nil {
			return err
		}
		for _, d := range chosen {
			if report, ok := reports[d]; ok {
				if err := x.report(ctx, full, report); err != nil {
					return err
				}
			}
		}
		if len(page) < exportPage {
			return nil
		}
		after = page[len(page)-1].id
	}
}

// choose keeps the images with a wanted tag and label.
func (x *exporter) choose(ctx context.Context, page []named) ([]oci.Digest, error) {
	ids := make([]int64, len(page))
	for i, m := range page {
		ids[i] = m.id
	}
	keep := map[int64]bool{}
	if len(x.Tags) > 0 {
		tags, err := collectIn(ctx, x.db.Auto(), scanNamed, tagsOf, nil, ids)
		if err != nil {
			return nil, err
		}
		for _, t := range tags {
			if x.tagged.match(t.name) {
				keep[t.id] = true
			}
		}
	}
	labelled := map[int64]bool{}
	if len(x.Labels) > 0 {
		pairs, err := collectIn(ctx, x.db.Auto(), scanPair, labelledBy, nil, ids)
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			for _, wanted := range x.Labels {
				labelled[p.a] = labelled[p.a] || p.b == wanted
			}
		}
	}
	var chosen []oci.Digest
	for _, m := range page {
		if (len(x.Tags) == 0 || keep[m.id]) && (len(x.Labels) == 0 || labelled[m.id]) {
			chosen = append(chosen, oci.Digest(m.name))
		}
	}
	return chosen, nil
}

func (x *exporter) report(ctx context.Context, repository string, report Report) error {
	rows, err := x.findingsOf(ctx, report.ID)
	if err != nil {
		return err
	}
	if len(rows) == MaxVulnerabilities {
		x.Logf("%s@%s has more findings than the %d that are exported, the worst", repository, report.Digest, len(rows))
	}
	for _, v := range rows {
		if !x.found.match(v.Found.Vulnerability) {
			continue
		}
		if err := x.csv.Write(x.line(repository, report, v.Vulnerability)); err != nil {
			return err
		}
		x.rows++
		if x.text.Len() < partSize {
			continue
		}
		if err := x.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) line(repository string, report Report, v Vulnerability) []string {
	more := ""
	if scores := vendorCVSS(v.Detail.CVSS); len(scores) > 0 {
		if text, err := json.Marshal(map[string]any{"CVSS": scores}); err == nil {
			more = string(text)
		}
	}
	line := []string{repository, string(report.Digest), v.Found.Vulnerability, v.Package, v.Version, v.Fixed, v.Severity.String(),
		strings.Join(v.Detail.CWEs, ","), more, x.scanner.Name}
	for i := range line {
		line[i] = harmless(line[i])
	}
	return line
}

// harmless is a cell that no program takes for a formula (S21): not at its start, behind blanks, as East Asian keyboards
// write it, or where a program that separates cells by another character than the comma begins one.
func harmless(cell string) string {
	var b strings.Builder
	begins := true
	for _, r := range clean(cell, maxProse) {
		if begins && strings.ContainsRune("=+-@\t\n＝＋－＠", r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		begins = begins && r == ' ' || strings.ContainsRune(";|\t\n", r)
	}
	return b.String()
}

// VendorScore is a score in the spelling of Trivy's reports.
type VendorScore struct {
	V2Score  float64 `json:"V2Score,omitempty"`
	V2Vector string  `json:"V2Vector,omitempty"`
	V3Score  float64 `json:"V3Score,omitempty"`
	V3Vector string  `json:"V3Vector,omitempty"`
}

func vendorCVSS(all map[string]inventory.CVSS) map[string]VendorScore {
	scores := make(map[string]VendorScore, len(all))
	for source, c := range all {
		scores[source] = VendorScore{c.V2Score, c.V2Vector, c.V3Score, c.V3Vector}
	}
	return scores
}

// VendorCVSS is the scores of a vulnerability by source, in the spelling of Trivy's reports.
func (v Vulnerability) VendorCVSS() map[string]VendorScore { return vendorCVSS(v.Detail.CVSS) }

// flush writes what was gathered as a part.
func (x *exporter) flush(ctx context.Context) error {
	x.csv.Flush()
	if x.text.Len() == 0 {
		return nil
	}
	if x.total += int64(x.text.Len()); x.total > maxExported {
		return job.Permanent(fmt.Errorf("the file would have more than %d bytes: choose less", maxExported))
	}
	content := x.packer.in.EncodeAll(x.text.Bytes(), nil)
	position := x.parts
	err := x.WriteRelaxed(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, insertPart, x.Task().ExecutionID, position, content)
		return err
	})
	x.parts++
	x.text.Reset()
	return err
}
