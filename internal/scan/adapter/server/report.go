package server

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/havenregistry/haven/internal/scan/adapter"
	"github.com/havenregistry/haven/internal/scan/inventory"
)

// about is the head of each report.
type about struct {
	GeneratedAt time.Time        `json:"generated_at"`
	Artifact    adapter.Artifact `json:"artifact"`
	Scanner     adapter.Name     `json:"scanner"`
}

type vulnerabilityReport struct {
	about
	Severity        string          `json:"severity"`
	Vulnerabilities []vulnerability `json:"vulnerabilities"`
}

// vulnerability is an entry of a report, with the fields of both its versions.
type vulnerability struct {
	ID              string         `json:"id"`
	Package         string         `json:"package"`
	Version         string         `json:"version"`
	FixVersion      string         `json:"fix_version"`
	Severity        string         `json:"severity"`
	Status          string         `json:"status,omitempty"`
	Description     string         `json:"description"`
	Links           []string       `json:"links"`
	ArtifactDigests []string       `json:"artifact_digests,omitempty"`
	PreferredCVSS   *preferred     `json:"preferred_cvss,omitempty"`
	CWEs            []string       `json:"cwe_ids,omitempty"`
	Vendor          map[string]any `json:"vendor_attributes,omitempty"`
}

type preferred struct {
	ScoreV3  *float64 `json:"score_v3"`
	ScoreV2  *float64 `json:"score_v2"`
	VectorV3 string   `json:"vector_v3"`
	VectorV2 string   `json:"vector_v2"`
}

// vulnerabilities writes a report: one entry for each vulnerability of each package and version, the worst first.
func (a about) vulnerabilities(subjects []inventory.Subject, verdicts []inventory.Verdict, places [][]string) ([]byte, error) {
	r := vulnerabilityReport{about: a, Vulnerabilities: []vulnerability{}}
	worst := inventory.Unknown
	seen := map[[3]string]bool{}
	for i, s := range subjects {
		for _, f := range verdicts[i].Findings {
			key := [3]string{f.ID, s.Name, s.Installed()}
			if seen[key] { // the same package for two architectures, say
				continue
			}
			seen[key] = true
			worst = max(worst, f.Severity)
			r.Vulnerabilities = append(r.Vulnerabilities, entry(s, f, places[i]))
		}
	}
	r.Severity = worst.String()
	slices.SortStableFunc(r.Vulnerabilities, func(x, y vulnerability) int {
		sx, _ := inventory.ParseSeverity(x.Severity)
		sy, _ := inventory.ParseSeverity(y.Severity)
		return int(sy - sx)
	})
	return json.Marshal(r)
}

func entry(s inventory.Subject, f inventory.Finding, layers []string) vulnerability {
	v := vulnerability{
		ID: f.ID, Package: s.Name, Version: s.Installed(), FixVersion: f.Fixed, Severity: f.Severity.String(), Status: f.Status,
		Description: f.Detail.Description, Links: []string{}, ArtifactDigests: layers, CWEs: f.Detail.CWEs,
	}
	if v.Description == "" {
		v.Description = f.Detail.Title
	}
	if f.Detail.Link != "" {
		v.Links = append(v.Links, f.Detail.Link)
	}
	for _, l := range f.Detail.Links {
		if !slices.Contains(v.Links, l) {
			v.Links = append(v.Links, l)
		}
	}
	if len(f.Detail.CVSS) > 0 {
		v.PreferredCVSS = prefer(f.Detail)
		v.Vendor = map[string]any{"CVSS": vendorScores(f.Detail.CVSS)}
	}
	return v
}

// prefer is the score by whose word the severity is, else NVD's, else the first by name.
func prefer(d inventory.Detail) *preferred {
	sources := append([]string{d.Source, "nvd"}, slices.Sorted(maps.Keys(d.CVSS))...)
	for _, source := range sources {
		if c, ok := d.CVSS[source]; ok {
			return &preferred{ScoreV3: scored(c.V3Score), ScoreV2: scored(c.V2Score), VectorV3: c.V3Vector, VectorV2: c.V2Vector}
		}
	}
	return nil
}

func scored(score float64) *float64 {
	if score == 0 {
		return nil
	}
	return &score
}

// vendorScores are all scores, as Trivy's adapter names them.
func vendorScores(all map[string]inventory.CVSS) map[string]map[string]any {
	shown := map[string]map[string]any{}
	for source, c := range all {
		one := map[string]any{}
		for name, score := range map[string]float64{"V2Score": c.V2Score, "V3Score": c.V3Score} {
			if score != 0 {
				one[name] = score
			}
		}
		for name, vector := range map[string]string{"V2Vector": c.V2Vector, "V3Vector": c.V3Vector} {
			if vector != "" {
				one[name] = vector
			}
		}
		shown[source] = one
	}
	return shown
}

// bill writes an SBOM report around the document, whose bytes stay as they are.
func (a about) bill(mediaType string, document []byte) ([]byte, error) {
	head, err := json.Marshal(struct {
		about
		MediaType string `json:"media_type"`
	}{a, mediaType})
	if err != nil {
		return nil, err
	}
	text := append(head[:len(head)-1:len(head)-1], `,"sbom":`...)
	return append(append(text, document...), '}'), nil
}
