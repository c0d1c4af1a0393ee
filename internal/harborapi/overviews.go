package harborapi

import (
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/scan"
)

// ScanOverview is what is known of an artifact by the media type of its report, for those who tell it elsewhere.
func ScanOverview(o scan.Overview) any {
	return map[string]gen.NativeReportSummary{reportType: overviewJSON(o, o.Counts())}
}

// SBOMOverview is how far an artifact's bill of materials is.
func SBOMOverview(b scan.Bill) any { return billJSON(b) }
