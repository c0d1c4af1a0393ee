package trivy

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
)

// Trivy's parsers of these files need another implementation of JSON in the whole program, so these are ours.

// composerInstalled reads what PHP's Composer says it installed.
func composerInstalled(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	found, err := parseComposer(text)
	if err != nil {
		return err
	}
	return in.list(ftypes.ComposerVendor, asPackages(ftypes.ComposerVendor, in.path, found))
}

// composerPackage is one of them. The licence is a text or a list of texts.
type composerPackage struct {
	Name, Version string
	License       any
}

// parseComposer reads both forms: an object with "packages", and the bare list of Composer 1.
func parseComposer(text []byte) ([]ftypes.Package, error) {
	var file struct {
		Packages []composerPackage `json:"packages"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		if json.Unmarshal(text, &file.Packages) != nil {
			return nil, err
		}
	}
	var found []ftypes.Package
	seen := map[string]bool{}
	for _, p := range file.Packages {
		if p.Name == "" || seen[p.Name] {
			continue
		}
		seen[p.Name] = true
		found = append(found, ftypes.Package{Name: p.Name, Version: p.Version, Licenses: composerLicenses(p.License)})
	}
	return found, nil
}

func composerLicenses(license any) (found []string) {
	switch l := license.(type) {
	case string:
		found = splitLicenses(l)
	case []any:
		for _, one := range l {
			if text, ok := one.(string); ok {
				found = append(found, text)
			}
		}
	}
	return found
}

// dotnetDeps reads what a program of .NET needs to run.
func dotnetDeps(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	found, err := parseDotnet(text)
	if err != nil {
		return err
	}
	return in.list(ftypes.DotNetCore, asPackages(ftypes.DotNetCore, in.path, found))
}

// dotnetTarget is a library as one target of the build uses it.
type dotnetTarget struct {
	Runtime, RuntimeTargets, Native map[string]any
}

func (t dotnetTarget) runs() bool {
	return len(t.Runtime) > 0 || len(t.RuntimeTargets) > 0 || len(t.Native) > 0
}

// parseDotnet returns the libraries that the program brings along: those with files for the target that it was built
// for, or all where that target isn't described. A runtime that is part of the program is named as it is elsewhere.
func parseDotnet(text []byte) ([]ftypes.Package, error) {
	var file struct {
		RuntimeTarget struct{ Name string }              `json:"runtimeTarget"`
		Targets       map[string]map[string]dotnetTarget `json:"targets"`
		Libraries     map[string]struct{ Type string }   `json:"libraries"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	target, described := file.Targets[file.RuntimeTarget.Name]
	var found []ftypes.Package
	for key, library := range file.Libraries {
		name, version, ok := strings.Cut(key, "/")
		if !ok || !slices.Contains([]string{"package", "project", "runtimepack"}, strings.ToLower(library.Type)) {
			continue
		}
		if use, listed := target[key]; described && listed && !use.runs() {
			continue
		}
		found = append(found, ftypes.Package{Name: strings.TrimPrefix(name, "runtimepack."), Version: version})
	}
	slices.SortFunc(found, func(a, b ftypes.Package) int { return strings.Compare(a.Name+"/"+a.Version, b.Name+"/"+b.Version) })
	return found, nil
}

// condaPackage reads what Conda says of a package that it installed.
func condaPackage(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	var p struct{ Name, Version, License string }
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	if p.Name == "" || p.Version == "" {
		return errors.New("it names no package")
	}
	found := []ftypes.Package{{Name: p.Name, Version: p.Version, Licenses: splitLicenses(p.License)}}
	return in.list(ftypes.CondaPkg, asPackages(ftypes.CondaPkg, in.path, found))
}
