package trivy

import (
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/purl"
	"github.com/aquasecurity/trivy/pkg/types"
)

// libraryPURL names a library as the package URL specification says; "" where it knows no name.
func libraryPURL(kind ftypes.LangType, p *ftypes.Package) string {
	named, err := purl.New(kind, types.Metadata{}, *p)
	if err != nil || named == nil {
		return ""
	}
	return named.String()
}
