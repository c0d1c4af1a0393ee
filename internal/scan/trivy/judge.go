package trivy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy/pkg/detector/library"
	detector "github.com/aquasecurity/trivy/pkg/detector/ospkg"
	"github.com/aquasecurity/trivy/pkg/detector/ospkg/driver"
	"github.com/aquasecurity/trivy/pkg/detector/ospkg/rootio"
	sealed "github.com/aquasecurity/trivy/pkg/detector/ospkg/seal"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/scan/langpkg"
	"github.com/aquasecurity/trivy/pkg/scan/ospkg"
	"github.com/aquasecurity/trivy/pkg/types"
	"github.com/aquasecurity/trivy/pkg/vulnerability"

	dbTypes "github.com/aquasecurity/trivy-db/pkg/types"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// group are subjects that Trivy's detectors judge together: what they decide for the whole of a target is the same.
type group struct {
	class                   inventory.Class
	scope, stream, supplier string
}

var options = types.ScanOptions{Scanners: types.Scanners{types.VulnerabilityScanner}, PkgTypes: []string{types.PkgTypeOS, types.PkgTypeLibrary}}

// Judge returns a verdict for each subject, in their order.
func (d *Database) Judge(ctx context.Context, subjects []inventory.Subject) ([]inventory.Verdict, error) {
	groups := map[group][]int{}
	var order []group
	for i := range subjects {
		s := &subjects[i]
		g := group{s.Class, s.Scope, s.Stream, s.Supplier}
		if len(groups[g]) == 0 {
			order = append(order, g)
		}
		groups[g] = append(groups[g], i)
	}
	verdicts := make([]inventory.Verdict, len(subjects))
	for _, g := range order {
		var found []types.DetectedVulnerability
		var known bool
		var err error
		if g.class == inventory.OSPackage {
			found, known, err = systemPackages(ctx, g, subjects, groups[g])
		} else {
			found, known, err = libraries(ctx, g, subjects, groups[g])
		}
		if err != nil {
			return nil, fmt.Errorf("judge the packages of %q: %w", g.scope, err)
		}
		for i := range found {
			d.describe(&found[i])
			at, err := strconv.Atoi(found[i].PkgID)
			if err != nil || at < 0 || at >= len(verdicts) {
				return nil, fmt.Errorf("judge the packages of %q: a finding is of no package", g.scope)
			}
			verdicts[at].Findings = append(verdicts[at].Findings, finding(&found[i]))
		}
		for _, i := range groups[g] {
			verdicts[i].Findings = once(verdicts[i].Findings)
			verdicts[i].Unknown = !known || g.class == inventory.OSPackage && g.supplier == "" && subjects[i].ThirdParty
		}
	}
	return verdicts, nil
}

// known says what else is known of a vulnerability follows from.
type known struct {
	id, source, base, by, severity string
}

// described is what Trivy adds to a finding.
type described struct {
	dbTypes.Vulnerability
	source dbTypes.SourceID
	link   string
}

// maxDescribed bounds the descriptions that are kept in memory. Each has a few kB.
const maxDescribed = 10_000

// describe adds severity, scores, texts and links. Many packages share a vulnerability, and reading it is the most work:
// so it is done once.
func (d *Database) describe(v *types.DetectedVulnerability) {
	k := known{id: v.VulnerabilityID, by: string(v.SeveritySource), severity: v.Severity} //nolint:staticcheck // by is its source
	if v.DataSource != nil {
		k.source, k.base = string(v.DataSource.ID), string(v.DataSource.BaseID)
	}
	if kept, ok := d.described[k]; ok {
		v.Vulnerability, v.SeveritySource, v.PrimaryURL = kept.Vulnerability, kept.source, kept.link
		switch {
		case v.FixedVersion != "":
			v.Status = dbTypes.StatusFixed
		case v.Status == dbTypes.StatusUnknown:
			v.Status = dbTypes.StatusAffected
		}
		return
	}
	one := []types.DetectedVulnerability{*v}
	vulnerability.NewClient(db.Config{}).FillInfo(one, []dbTypes.SourceID{"auto"})
	*v = one[0]
	if len(d.described) >= maxDescribed {
		clear(d.described)
	}
	d.described[k] = described{v.Vulnerability, v.SeveritySource, v.PrimaryURL}
}

// systemPackages judges by a distribution's advisories. Known is false where it publishes none that the database has.
func systemPackages(ctx context.Context, g group, subjects []inventory.Subject, which []int) (found []types.DetectedVulnerability, known bool, err error) {
	family, release := inventory.SplitScope(g.scope)
	release, extended := strings.CutSuffix(release, "-ESM")
	target := types.ScanTarget{OS: ftypes.OS{Family: ftypes.OSType(family), Name: release, Extended: extended}}
	if g.supplier == inventory.RapidFort {
		target.OS.Supplier = ftypes.SupplierRapidFort
	}
	if family == "" || !target.OS.Family.HasOSPackages() {
		return nil, false, nil
	}
	advised := release
	if g.stream != "" {
		target.Repository = &ftypes.Repository{Family: target.OS.Family, Release: g.stream}
		advised = g.stream
	}
	if b := bucket(family, advised); g.supplier == "" && b != "" && !hasBucket(b, false) {
		return nil, false, nil
	}
	for _, i := range which {
		target.Packages = append(target.Packages, asOSPackage(&subjects[i], i))
	}
	result, _, err := ospkg.NewScanner(suppliers(g.supplier)...).Scan(ctx, target, options)
	if errors.Is(err, detector.ErrUnsupportedOS) {
		return nil, false, nil
	}
	return result.Vulnerabilities, true, err
}

// suppliers makes Trivy judge by the advisories of who rebuilt an image's packages, whichever of them are judged now:
// it goes by the packages of the whole image itself.
func suppliers(name string) []detector.Option {
	var with driver.Supplier
	switch name {
	case inventory.RootIO:
		with = func(os ftypes.OS, _ []ftypes.Package) driver.Driver { return rootio.NewScanner(os.Family) }
	case inventory.Seal:
		with = func(os ftypes.OS, _ []ftypes.Package) driver.Driver { return sealed.NewScanner(os.Family) }
	default:
		return nil
	}
	return []detector.Option{detector.WithSupplier(with)}
}

func asOSPackage(s *inventory.Subject, id int) ftypes.Package {
	p := ftypes.Package{
		ID: strconv.Itoa(id), Name: s.Name, Version: s.Version, Release: s.Release, Epoch: s.Epoch, Arch: s.Arch,
		SrcName: s.SrcName, SrcVersion: s.SrcVersion, SrcRelease: s.SrcRelease, SrcEpoch: s.SrcEpoch, Modularitylabel: s.Modularity,
	}
	p.Repository.Class = ftypes.RepositoryClassOfficial
	if s.ThirdParty {
		p.Repository.Class = ftypes.RepositoryClassThirdParty
	}
	if s.ContentSets != "" || s.NVR != "" {
		nvr, arch := s.NVR, ""
		if i := strings.LastIndexByte(nvr, '-'); i >= 0 {
			nvr, arch = nvr[:i], nvr[i+1:]
		}
		p.BuildInfo = &ftypes.BuildInfo{Nvr: nvr, Arch: arch}
		if s.ContentSets != "" {
			p.BuildInfo.ContentSets = strings.Split(s.ContentSets, ",")
		}
	}
	return p
}

// libraries judges by an ecosystem's advisories.
func libraries(ctx context.Context, g group, subjects []inventory.Subject, which []int) (found []types.DetectedVulnerability, known bool, err error) {
	kind := ftypes.LangType(g.scope)
	d, ok := library.NewDriver(kind)
	if !ok || !hasBucket(d.Type()+"::", true) {
		return nil, false, nil
	}
	app := ftypes.Application{Type: kind}
	for _, i := range which {
		if anyVersion.MatchString(subjects[i].Version) {
			app.Packages = append(app.Packages, ftypes.Package{ID: strconv.Itoa(i), Name: subjects[i].Name, Version: subjects[i].Version})
		}
	}
	results, err := langpkg.NewScanner().Scan(ctx, types.ScanTarget{Applications: []ftypes.Application{app}}, options)
	if err != nil {
		return nil, false, err
	}
	for i := range results {
		found = append(found, results[i].Vulnerabilities...)
	}
	return found, true, nil
}

// anyVersion leaves out versions that are none, such as that of a program that is built where it is developed: no
// advisory speaks of them.
var anyVersion = regexp.MustCompile(`\d`)

// once keeps each vulnerability once, by id. Where two sources tell of it, the one counts that Trivy shows.
func once(found []inventory.Finding) []inventory.Finding {
	slices.SortStableFunc(found, func(a, b inventory.Finding) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(b.Fixed, a.Fixed))
	})
	return slices.CompactFunc(found, func(a, b inventory.Finding) bool { return a.ID == b.ID })
}

// finding takes over what Trivy says of a vulnerability.
func finding(v *types.DetectedVulnerability) inventory.Finding {
	severity, _ := inventory.ParseSeverity(v.Severity) //nolint:staticcheck // Source is kept beside it
	f := inventory.Finding{
		ID: v.VulnerabilityID, Fixed: v.FixedVersion, Status: v.Status.String(), Severity: severity,
		Detail: inventory.Detail{
			Source: string(v.SeveritySource), Title: v.Title, Description: v.Description, Link: v.PrimaryURL,
			Links: v.References, CWEs: v.CweIDs,
		},
	}
	if v.DataSource != nil {
		f.Detail.DataSource = string(v.DataSource.ID)
	}
	for source, c := range v.CVSS {
		if f.Detail.CVSS == nil {
			f.Detail.CVSS = map[string]inventory.CVSS{}
		}
		f.Detail.CVSS[string(source)] = inventory.CVSS{
			V2Vector: c.V2Vector, V3Vector: c.V3Vector, V4Vector: c.V40Vector, V2Score: c.V2Score, V3Score: c.V3Score, V4Score: c.V40Score,
		}
	}
	if v.PublishedDate != nil {
		f.Detail.Published = v.PublishedDate.UnixMicro()
	}
	if v.LastModifiedDate != nil {
		f.Detail.Modified = v.LastModifiedDate.UnixMicro()
	}
	return f
}
