package repair

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
)

// maxNamed is how many of a kind a report names; it counts all of them.
const maxNamed = 1000

// ScrubReport is what a scrub found.
type ScrubReport struct {
	StartedAt  time.Time      `json:"started_at"`
	FinishedAt time.Time      `json:"finished_at"`
	Blobs      ScrubBlobs     `json:"blobs"`
	Stuck      int64          `json:"stuck_deletions"` // blobs on their way out for more than a day
	Manifests  ScrubManifests `json:"manifests"`
	Usage      []string       `json:"usage"` // sums and marks that are not what the rows say
	Records    ScrubRecords   `json:"records"`
	Strays     Strays         `json:"strays"`
}

// ScrubBlobs is what a scrub found out about blobs.
type ScrubBlobs struct {
	Total   int64         `json:"total"`   // that were asked for
	Checked int64         `json:"checked"` // read, all or the sample
	Bytes   int64         `json:"bytes"`
	Damaged []DamagedBlob `json:"damaged"`
	Sound   []oci.Digest  `json:"sound_again"` // were marked as damaged before
	Unclear int64         `json:"unclear"`     // the store gave no answer
	// ResumeAfter is the id to go on after when the scrub was stopped, 0 when it came to its end.
	ResumeAfter int64 `json:"resume_after,omitempty"`
}

// DamagedBlob is a blob whose bytes are lost or wrong.
type DamagedBlob struct {
	Digest   oci.Digest          `json:"digest"`
	Size     int64               `json:"size"`
	Location string              `json:"location"`
	Problem  string              `json:"problem"`
	Known    bool                `json:"known"` // was marked before
	Affected []registry.Affected `json:"affected"`
}

// ScrubManifests is what a scrub found out about manifests.
type ScrubManifests struct {
	Checked int64             `json:"checked"`
	Damaged []DamagedManifest `json:"damaged"`
}

// DamagedManifest is a manifest whose bytes in the database are not its digest's.
type DamagedManifest struct {
	Digest   oci.Digest          `json:"digest"`
	Mended   bool                `json:"mended"` // from its record
	Affected []registry.Affected `json:"affected"`
}

// ScrubRecords is what a scrub found out about records.
type ScrubRecords struct {
	Checked    int64    `json:"checked"`
	Wrong      int64    `json:"wrong"` // missing or outdated; the server writes them again
	Names      []string `json:"names"`
	Lagging    int64    `json:"lagging"` // about to be written anyway
	Stray      int64    `json:"stray"`   // tell of what the database doesn't have
	StrayNames []string `json:"stray_names"`
	Enrolling  bool     `json:"enrolling"` // not all were written for a first time yet, so none were compared
}

// Strays are bytes in the store that no row names.
type Strays struct {
	Count int64   `json:"count"`
	Bytes int64   `json:"bytes"`
	Found []Stray `json:"found"`
}

// Stray is one of them.
type Stray struct {
	Location string `json:"location"`
	Size     int64  `json:"size"`
}

func newScrubReport(now time.Time) ScrubReport {
	return ScrubReport{
		StartedAt: now.UTC(),
		Blobs:     ScrubBlobs{Damaged: []DamagedBlob{}, Sound: []oci.Digest{}},
		Manifests: ScrubManifests{Damaged: []DamagedManifest{}},
		Usage:     []string{},
		Records:   ScrubRecords{Names: []string{}, StrayNames: []string{}},
		Strays:    Strays{Found: []Stray{}},
	}
}

// Clean reports whether nothing is wrong. Strays only take space, and stray records matter to a rebuild only.
func (r ScrubReport) Clean() bool {
	return len(r.Blobs.Damaged) == 0 && r.Blobs.Unclear == 0 && len(r.Manifests.Damaged) == 0 &&
		len(r.Usage) == 0 && r.Records.Wrong == 0 && r.Stuck == 0
}

// WriteText writes the report for people.
func (r ScrubReport) WriteText(w io.Writer) {
	fmt.Fprintf(w, "Read %d of %d blobs (%s) in %s.\n", r.Blobs.Checked, r.Blobs.Total, size(r.Blobs.Bytes),
		r.FinishedAt.Sub(r.StartedAt).Round(time.Second))
	for _, b := range r.Blobs.Damaged {
		fmt.Fprintf(w, "\nDAMAGED %s (%s): %s\n  at %q\n", b.Digest, size(b.Size), b.Problem, b.Location)
		writeAffected(w, b.Affected)
	}
	if len(r.Blobs.Damaged) > 0 {
		fmt.Fprintln(w, "\nClients are now told that these blobs are absent. Push the images named above again, from wherever\n"+
			"they are still whole: that heals them. Or put the files back from a backup and run haven scrub again.")
	}
	for _, d := range r.Blobs.Sound {
		fmt.Fprintf(w, "Sound again: %s\n", d)
	}
	if r.Blobs.Unclear > 0 {
		fmt.Fprintf(w, "The store gave no answer about %d blobs; nothing is said about them. Run haven scrub again.\n", r.Blobs.Unclear)
	}
	if r.Blobs.ResumeAfter > 0 {
		fmt.Fprintf(w, "Stopped before the end. Go on with --after %d.\n", r.Blobs.ResumeAfter)
	}
	r.writeRest(w)
	if r.Clean() {
		fmt.Fprintln(w, "No damage found.")
	}
}

func (r ScrubReport) writeRest(w io.Writer) {
	fmt.Fprintf(w, "Compared %d manifests and %d records.\n", r.Manifests.Checked, r.Records.Checked)
	for _, m := range r.Manifests.Damaged {
		state := "push the manifest again, or restore the database from a backup"
		if m.Mended {
			state = "mended from its record in the store"
		}
		fmt.Fprintf(w, "\nDAMAGED manifest %s in the database: %s\n", m.Digest, state)
		writeAffected(w, m.Affected)
	}
	for _, u := range r.Usage {
		fmt.Fprintf(w, "Wrong sum: %s.\n", u)
	}
	if r.Records.Wrong > 0 {
		fmt.Fprintf(w, "%d records for a rebuild were missing or outdated, such as %s. The running server writes them again.\n",
			r.Records.Wrong, r.Records.Names[0])
	}
	if r.Records.Stray > 0 {
		fmt.Fprintf(w, "%d records tell of what the database doesn't have, such as %s: a rebuild would bring it back.\n"+
			"If this is the store's own database, remove them with --prune-records.\n", r.Records.Stray, r.Records.StrayNames[0])
	}
	if r.Records.Enrolling {
		fmt.Fprintln(w, "Records for a rebuild are still being written for the first time; they were not compared.")
	}
	if r.Stuck > 0 {
		fmt.Fprintf(w, "%d blobs have been on their way out for more than a day; see the server's log.\n", r.Stuck)
	}
	if r.Strays.Count > 0 {
		fmt.Fprintf(w, "%d files (%s) in the store are named by no row, such as %s.\n"+
			"They only take space. One that was pushed a moment ago may be among them.\n", r.Strays.Count, size(r.Strays.Bytes), r.Strays.Found[0].Location)
	}
}

func writeAffected(w io.Writer, all []registry.Affected) {
	for _, a := range all {
		tags := "no tag"
		if len(a.Tags) > 0 {
			tags = "tags " + strings.Join(a.Tags, ", ")
		}
		fmt.Fprintf(w, "  needed by %s@%s (%s)\n", a.Repository, a.Digest, tags)
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "  needed by no manifest")
	}
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1000, 0
	for ; value >= 1000 && unit < 4; unit++ {
		value /= 1000
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTP"[unit])
}
