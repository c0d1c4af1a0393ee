package inventory

// Layer is what one layer of an image says by itself, whatever lies below it. It follows from the blob's bytes
// and the Revision alone, so it is kept by the blob's digest and shared by all images.
type Layer struct {
	Revision int `json:"revision"`
	// Digest is the blob's. Who reads a layer doesn't know it: the caller fills it in.
	Digest string `json:"digest,omitempty"`

	OS        OS        `json:"os,omitzero"`
	Stream    string    `json:"stream,omitempty"`    // release of the repositories that packages come from ("3.19", "edge"), where a file names one
	Supplier  string    `json:"supplier,omitempty"`  // who rebuilt the packages, where a file says so
	BuildInfo BuildInfo `json:"build_info,omitzero"` // of Red Hat's images

	// Files are those that say something of packages, by path.
	Files []File `json:"files,omitempty"`
	// Gone are the paths that are no more, with all below them, in the layers underneath: whiteouts, and files
	// that say nothing of packages where one underneath might have.
	Gone []string `json:"gone,omitempty"`
	// Opaque are the directories whose content in the layers underneath is no more. "" is the root.
	Opaque []string `json:"opaque,omitempty"`
	Unread []string `json:"unread,omitempty"` // as in Inventory
}

// BuildInfo says which repositories the packages of a layer by Red Hat come from.
type BuildInfo struct {
	ContentSets []string `json:"content_sets,omitempty"`
	NVR         string   `json:"nvr,omitempty"`
	Arch        string   `json:"arch,omitempty"`
}

// Empty is whether nothing is said.
func (b BuildInfo) Empty() bool { return len(b.ContentSets) == 0 && b.NVR == "" && b.Arch == "" }

// File is a file that lists packages, or is one.
type File struct {
	Path string `json:"path"` // without a slash in front
	// Type is Trivy's type of application ("npm", "gobinary", "jar", …); "" for a list of the operating system's packages.
	Type     string    `json:"type,omitempty"`
	Packages []Package `json:"packages"` // Layer, and of operating systems' packages the Scope, are filled in by Merge
}
