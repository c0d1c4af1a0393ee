// Package inventory is what an image consists of, as far as advisories know it: the packages of its operating
// system and the libraries of its applications. It is read from layers once, is kept, and is judged again and
// again without the image's bytes. Types and pure rules; it neither reads archives nor knows a database.
package inventory

// Revision is of what layers are read for. Layers that an older revision read are read again.
const Revision = 2

// OS is an operating system: its family in Trivy's words ("debian", "alpine", "redhat", …) and its release
// ("12.5"). An empty Family: the image has none, or none that is known.
type OS struct {
	Family   string `json:"family"`
	Name     string `json:"name"`
	Extended bool   `json:"extended,omitempty"` // it is in a programme of longer support (Ubuntu's)
}

// Class says by whose advisories a package is judged.
type Class string

// The classes of packages, in the words of Trivy's results.
const (
	OSPackage Class = "os-pkgs"   // by the distribution's
	Library   Class = "lang-pkgs" // by the ecosystem's
)

// Subject is everything that a verdict on a package follows from. Images with an equal Subject share the verdict.
type Subject struct {
	Class Class  `json:"class"`
	Scope string `json:"scope"` // of an OSPackage family and release ("debian 12"), of a Library Trivy's type ("npm", "gobinary", "jar", …)

	Name    string `json:"name"`
	Version string `json:"version"`
	Release string `json:"release,omitempty"`
	Epoch   int    `json:"epoch,omitempty"`
	Arch    string `json:"arch,omitempty"`

	SrcName    string `json:"src_name,omitempty"` // Debian and Ubuntu are judged by the source package
	SrcVersion string `json:"src_version,omitempty"`
	SrcRelease string `json:"src_release,omitempty"`
	SrcEpoch   int    `json:"src_epoch,omitempty"`

	Modularity string `json:"modularity,omitempty"` // label of an RPM module

	Stream      string `json:"stream,omitempty"`       // of an OSPackage: release of the repositories, where it isn't the Scope's ("edge")
	Supplier    string `json:"supplier,omitempty"`     // who rebuilt the image's packages and publishes advisories for them; "": nobody
	ContentSets string `json:"content_sets,omitempty"` // Red Hat's repositories of the layer that it came with, separated by ","
	NVR         string `json:"nvr,omitempty"`          // Red Hat's name, version, release and architecture of that layer's image
	ThirdParty  bool   `json:"third_party,omitempty"`  // not from the distribution, whose advisories don't speak of it
}

// Package is a Subject where it lies in an image.
type Package struct {
	Subject
	Path     string   `json:"path,omitempty"`  // file that it was found in or is; "" where a package manager lists it
	Layer    string   `json:"layer,omitempty"` // digest of the layer's blob
	Licenses []string `json:"licenses,omitempty"`
	PURL     string   `json:"purl,omitempty"`
}

// Inventory is what an image consists of.
type Inventory struct {
	OS       OS        `json:"os"`
	Packages []Package `json:"packages"`
	// Unread names what could not be looked into and why, in words for people. An image with any is not wholly evaluated.
	Unread []string `json:"unread,omitempty"`
}

// Finding is a vulnerability of a Subject, as an edition of the database knows it.
type Finding struct {
	ID       string   `json:"id"`              // CVE-…, or GHSA-… and the like where there is no CVE
	Fixed    string   `json:"fixed,omitempty"` // versions with the fix, separated by ", "; "" without one
	Status   string   `json:"status,omitempty"`
	Severity Severity `json:"severity"`
	Detail   Detail   `json:"detail"`
}

// Detail is what is known of a vulnerability by the word of one source.
type Detail struct {
	Source      string          `json:"source"`                // whose word the severity is: "debian", "nvd", "ghsa", …
	DataSource  string          `json:"data_source,omitempty"` // whose advisory it is
	Title       string          `json:"title,omitempty"`
	Description string          `json:"description,omitempty"`
	Link        string          `json:"link,omitempty"` // the primary one
	Links       []string        `json:"links,omitempty"`
	CWEs        []string        `json:"cwes,omitempty"`
	CVSS        map[string]CVSS `json:"cvss,omitempty"`      // by source
	Published   int64           `json:"published,omitempty"` // microseconds since 1970; 0: unknown
	Modified    int64           `json:"modified,omitempty"`
}

// CVSS is a score by one source; zero where there is none.
type CVSS struct {
	V2Vector string  `json:"v2_vector,omitempty"`
	V3Vector string  `json:"v3_vector,omitempty"`
	V4Vector string  `json:"v4_vector,omitempty"`
	V2Score  float64 `json:"v2_score,omitempty"`
	V3Score  float64 `json:"v3_score,omitempty"`
	V4Score  float64 `json:"v4_score,omitempty"`
}

// Verdict is what an edition of the database says of a Subject.
type Verdict struct {
	// Unknown: nobody publishes advisories for the Subject's scope, so that no finding means nothing.
	Unknown  bool      `json:"unknown,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}
