package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/doctor"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/notice"
	"github.com/havenregistry/haven/internal/secret"
)

// Examine looks at everything that this configuration needs to serve, beside a Haven that may be running, and changes nothing.
func Examine(ctx context.Context, g doctor.Given) doctor.Report {
	e := examination{g}
	return doctor.Examine(ctx, g, doctor.Deps{Open: OpenStore, With: e.withDatabase})
}

// examination is what the doctor asks of packages that own rows.
type examination struct{ doctor.Given }

func (e *examination) withDatabase(ctx context.Context, d *db.DB, n *doctor.Notes) {
	if err := checkServable(ctx, d); err != nil {
		n.Wrong("Finish or repeat it, as the message says.", "%v", err)
		return
	}
	if e.keyFits(ctx, d, n) {
		e.scanning(ctx, d, n)
	}
}

// keyFits looks whether there is a key, and opens what the database has sealed. A missing file isn't made.
func (e *examination) keyFits(ctx context.Context, d *db.DB, n *doctor.Notes) bool {
	sealed, err := identity.Sealed(ctx, d.Auto())
	if err != nil {
		n.Wrong("See the database's log.", "%v", err)
		return false
	}
	const restore = "Put the file back that this database was first used with (each replica needs a copy, and so does a backup)."
	if _, err := os.Stat(e.SecretKeyFile); errors.Is(err, fs.ErrNotExist) && len(sealed) == 0 {
		return false // the first start makes it
	}
	if _, err := os.Stat(e.SecretKeyFile); err != nil {
		n.Wrong(restore, "secret_key_file: %v", err)
		return false
	}
	box, err := secret.OpenBox(e.SecretKeyFile)
	if err != nil {
		n.Wrong(restore, "secret_key_file: %v", err)
		return false
	}
	if err := box.Fits(sealed); err != nil {
		n.Wrong(restore, "secret_key_file: %s doesn't hold the key that this database was first used with", e.SecretKeyFile)
		return false
	}
	n.Good("the secret key opens what the database has sealed")
	return true
}

const (
	// oldVulnDB is when the vulnerability database lacks what became known: it is published twice a day, and refreshed as often.
	oldVulnDB = 3 * 24 * time.Hour
	// importedVulnDB is the same where it is imported by hand.
	importedVulnDB = 14 * 24 * time.Hour
)

// scanning asks which vulnerability database there is, and whether scanners of others answer.
func (e *examination) scanning(ctx context.Context, d *db.DB, n *doctor.Notes) {
	quiet := slog.New(slog.DiscardHandler)
	cfg := e.Config
	cfg.TLSCertFile, cfg.TLSACME, cfg.RedisURL = "", false, "" // these have checks of their own
	notices, err := notice.Open("", quiet)
	if err != nil {
		n.Wrong("Report this.", "%v", err)
		return
	}
	a := &App{cfg: cfg, log: quiet, db: d, blobs: blob.ReadOnly(nil), notices: notices}
	parts, err := a.assemble()
	if err != nil {
		n.Wrong("Correct the setting; haven serve would stop with the same message.", "%v", err)
		return
	}
	e.vulnerabilities(ctx, parts, n)
	found, _, err := parts.scanners.List(ctx, db.List{Page: 1, Size: 100})
	if err != nil {
		n.Wrong("See the database's log.", "%v", err)
		return
	}
	for _, v := range parts.scanners.Views(ctx, found) {
		if !v.Healthy && !v.Disabled {
			n.Wrong("See that the scanner runs, and that its address and credential are right (docs/scanners.md).", "the scanner %s at %s doesn't answer", v.Name, v.URL)
		}
	}
}

func (e *examination) vulnerabilities(ctx context.Context, parts domain, n *doctor.Notes) {
	state, err := parts.vulndb.State(ctx)
	if err != nil {
		n.Wrong("See the database's log.", "%v", err)
		return
	}
	byHand, most := len(e.VulnDBSource) == 0, oldVulnDB
	advice := "See why it isn't refreshed: haven_vulndb_updates_total, and the log (docs/scanning.md)."
	if byHand {
		most, advice = importedVulnDB, "Import a newer one with haven vulndb import, or set vulndb_source (docs/scanning.md)."
	}
	switch {
	case state.Current == nil && byHand:
		n.Doubt("Set vulndb_source, or import it with haven vulndb import (docs/scanning.md).", "there is no vulnerability database: images can't be judged")
	case state.Current == nil:
		n.Doubt(advice, "there is no vulnerability database yet: images can't be judged")
	case time.Since(state.Current.UpdatedAt) > most:
		n.Doubt(advice, "the vulnerability database is %d days old", int(time.Since(state.Current.UpdatedAt).Hours()/24))
	default:
		n.Good("the vulnerability database is of %s", state.Current.UpdatedAt.UTC().Format(time.DateTime))
	}
}
