package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/job"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan/confined"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/telemetry"
)

// MediaTypeSBOM is of the configuration by which Harbor's clients know a bill of materials.
const MediaTypeSBOM = "application/vnd.goharbor.harbor.sbom.v1"

// mediaTypeSBOMLayer is what Harbor calls the document. It is no archive.
const mediaTypeSBOMLayer = "application/vnd.oci.image.layer.v1.tar"

// ourselves is who bills of materials are pushed by.
var ourselves = authz.Principal{Name: "haven-scanner"}

// Bill is how far the bill of materials of an image is.
type Bill struct {
	ManifestID         int64
	UUID               string
	Status             Status
	Reason             string
	Digest             oci.Digest // of the accessory
	Scanner            Scanner
	StartedAt, EndedAt time.Time
}

type billRequest struct {
	Image
	UUID    string `json:"uuid"`
	Scanner string `json:"scanner"`
}

const (
	billFields = `manifest_id, uuid, status, reason, digest, scanner_name, scanner_vendor, scanner_version, started_at, ended_at`
	billOf     = `SELECT ` + billFields + ` FROM scan_sbom WHERE manifest_id = $1`
	putBill    = `INSERT INTO scan_sbom (manifest_id, uuid, status, scanner_name, scanner_vendor, scanner_version, created_at)
		VALUES ($1, $2, 'Pending', $3, $4, $5, $6)
		ON CONFLICT (manifest_id) DO UPDATE SET uuid = excluded.uuid, status = excluded.status, reason = '', scanner_name = excluded.scanner_name, scanner_vendor = excluded.scanner_vendor,
			scanner_version = excluded.scanner_version, created_at = excluded.created_at, started_at = 0, ended_at = 0, execution_id = 0, task_id = 0`
	workBill  = `UPDATE scan_sbom SET execution_id = $2, task_id = $3 WHERE manifest_id = $1`
	beginBill = `UPDATE scan_sbom SET status = 'Running', started_at = CASE WHEN started_at = 0 THEN $3 ELSE started_at END
		WHERE manifest_id = $1 AND task_id = $2 AND status IN ('Pending', 'Scheduled', 'Running')`
	endBill = `UPDATE scan_sbom SET status = $3, reason = $4, digest = $5, ended_at = $6, scanner_name = CASE WHEN $7 = '' THEN scanner_name ELSE $7 END,
			scanner_vendor = CASE WHEN $8 = '' THEN scanner_vendor ELSE $8 END, scanner_version = CASE WHEN $9 = '' THEN scanner_version ELSE $9 END
		WHERE manifest_id = $1 AND task_id = $2`
)

func scanBill(r db.Row) (b Bill, err error) {
	err = r.Scan(&b.ManifestID, &b.UUID, &b.Status, &b.Reason, &b.Digest, &b.Scanner.Name, &b.Scanner.Vendor, &b.Scanner.Version, db.ScanTime(&b.StartedAt), db.ScanTime(&b.EndedAt))
	return b, err
}

func (s *Service) beginSBOM(ctx context.Context, tx db.Tx, scanner Scanner, image Image, b beginning) (Status, error) {
	old, err := db.Get(ctx, tx, scanBill, billOf, image.ManifestID)
	switch {
	case errors.Is(err, db.ErrNotFound):
	case err != nil:
		return "", fmt.Errorf("begin the bill of materials of %s: %w", image.Digest, err)
	case !old.Status.Final() || b.missing && old.Status == Success:
		return old.Status, nil
	}
	id := uuid.NewString()
	if _, err := tx.Exec(ctx, putBill, image.ManifestID, id, scanner.Name, scanner.Vendor, scanner.Version, db.Micros(s.clock())); err != nil {
		return "", fmt.Errorf("begin the bill of materials of %s: %w", image.Digest, err)
	}
	execution, task, err := s.queue(ctx, tx, job.SBOM, job.SBOM, image, b, billRequest{image, id, scanner.ID})
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, workBill, image.ManifestID, execution, task)
	return "", err
}

// billRun is one try at a bill of materials.
type billRun struct {
	*Service
	*job.Run
	billRequest
}

func (s *Service) doSBOM(ctx context.Context, jr *job.Run) error {
	r := billRun{Service: s, Run: jr}
	if err := jr.Decode(&r.billRequest); err != nil {
		return job.Permanent(err)
	}
	scanner, err := s.scanners.ByID(ctx, r.Scanner)
	if err != nil {
		return r.failed(ctx, fmt.Errorf("find the scanner: %w", err))
	}
	wanted := int64(0)
	err = r.WriteRelaxed(ctx, func(tx db.Tx) (err error) {
		wanted, err = tx.Exec(ctx, beginBill, r.ManifestID, r.Task().ID, db.Micros(s.clock()))
		return err
	})
	if err != nil || wanted == 0 {
		return err
	}
	document, by, err := s.document(ctx, scanner, r.Image, confined.SPDX, r.Logf)
	if err != nil {
		return r.failed(ctx, err)
	}
	r.Logf("the document has %d bytes", len(document))
	if err := r.attach(ctx, document, by); err != nil {
		return r.failed(ctx, err)
	}
	return nil
}

func (r *billRun) failed(ctx context.Context, failure error) error {
	final := r.Task().Failures+1 >= attempts || errors.Is(failure, errNothing)
	cause := context.Cause(ctx)
	if !final || errors.Is(cause, job.ErrStopped) || errors.Is(cause, job.ErrLost) || errors.Is(cause, job.ErrDraining) || errors.Is(failure, job.ErrLost) {
		return failure
	}
	ctx = context.WithoutCancel(ctx)
	err := r.Write(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, endBill, r.ManifestID, r.Task().ID, Failed, reasonOf(failure), "", db.Micros(r.clock()), "", "", "")
		if err != nil {
			return err
		}
		return r.announce(ctx, tx, r.ref(), r.Digest, Materials, Failed)
	})
	if err != nil {
		return errors.Join(failure, err)
	}
	return job.Permanent(failure)
}

const inventoryOf = `SELECT i.content FROM scan_inventory i JOIN scan_report r ON r.id = i.report_id WHERE r.digest = $1 AND r.scanner = $2 AND i.revision = $3`

// document makes the bill of materials of an image, and says who made it where that is another.
func (s *Service) document(ctx context.Context, scanner Scanner, of Image, format confined.Format, note func(string, ...any)) (text []byte, by Scanner, err error) {
	if !scanner.Own && format == confined.SPDX {
		return s.others.Materials(ctx, scanner, of, note)
	}
	found, err := s.keptInventory(ctx, of)
	if errors.Is(err, db.ErrNotFound) {
		found, err = s.inventory(ctx, of, note)
	}
	if err != nil {
		return nil, by, err
	}
	text, err = s.engine.SBOM(ctx, found, confined.SBOMRequest{
		Format: format, Name: of.ref().FullName(), Digest: string(of.Digest), Created: s.clock().UTC(), Version: telemetry.Version(),
	})
	if reason, blamed := confined.AtFault(err); blamed {
		return nil, by, &refusal{reason}
	}
	if err != nil {
		return nil, by, fmt.Errorf("write the bill of materials of %s: %w", of.Digest, err)
	}
	return text, by, nil
}

// keptInventory is what a scan by our own scanner found, or db.ErrNotFound.
func (s *Service) keptInventory(ctx context.Context, of Image) (found inventory.Inventory, err error) {
	own, err := s.scanners.Own(ctx)
	if err != nil {
		return found, err
	}
	content, err := db.Get(ctx, s.db.Auto(), scanBytes, inventoryOf, of.Digest, own.ID, inventory.Revision)
	if err != nil {
		return found, err
	}
	if err := s.packer.unpack(content, &found); err != nil {
		return found, fmt.Errorf("what is kept of %s: %w", of.Digest, err)
	}
	return found, nil
}

// Document returns the bill of materials of an image in a format. It is made of what was found when the image was
// scanned; where it was not, of the image itself.
func (s *Service) Document(ctx context.Context, ref registry.Ref, d oci.Digest, format confined.Format) ([]byte, error) {
	own, err := s.scanners.Own(ctx)
	if err != nil {
		return nil, err
	}
	images, err := s.imagesAt(ctx, s.db.Auto(), own, ref, d)
	if err != nil {
		return nil, err
	}
	if len(images) != 1 || images[0].Digest != d {
		return nil, errIndex
	}
	text, _, err := s.document(ctx, own, images[0], format, func(string, ...any) {})
	return text, err
}

// attach pushes the document as an accessory of the image, in the place of the one before.
func (r *billRun) attach(ctx context.Context, document []byte, by Scanner) error {
	before, err := db.Get(ctx, r.db.Auto(), scanBill, billOf, r.ManifestID)
	if err != nil {
		return fmt.Errorf("read the bill of materials of %s: %w", r.Digest, err)
	}
	text, err := r.push(ctx, document)
	if err != nil {
		return err
	}
	put, err := r.registry.PutManifest(ctx, ourselves, r.ref(), oci.DigestReference(oci.SHA256Of(text)), oci.MediaTypeImageManifest, text)
	if quota, ok := errors.AsType[*registry.QuotaError](err); ok {
		return &refusal{"there is no room for it in the project: " + quota.Error()}
	}
	if err != nil {
		return err
	}
	if before.Digest != "" && before.Digest != put.Digest {
		err := r.registry.DiscardManifest(ctx, ourselves, r.ref(), before.Digest)
		if err != nil && !errors.Is(err, registry.ErrManifestUnknown) && !errors.Is(err, registry.ErrRepositoryUnknown) {
			r.Logf("the one before stays: %v", err)
		}
	}
	return r.Finish(ctx, func(tx db.Tx) error {
		_, err := tx.Exec(ctx, endBill, r.ManifestID, r.Task().ID, Success, "", put.Digest, db.Micros(r.clock()),
			clean(by.Name, maxName), clean(by.Vendor, maxName), clean(by.Version, maxName))
		if err != nil {
			return err
		}
		return r.announce(ctx, tx, r.ref(), r.Digest, Materials, Success)
	})
}

// push puts the blobs into the repository, and returns the manifest that names them.
func (r *billRun) push(ctx context.Context, document []byte) ([]byte, error) {
	config := []byte("{}")
	manifest := oci.Image{Config: oci.Describe(MediaTypeSBOM, config), Layers: []oci.Descriptor{oci.Describe(mediaTypeSBOMLayer, document)}}
	now := r.clock().UTC().Format(time.RFC3339)
	manifest.Annotations = map[string]string{
		"created": now, "created-by": "Haven", "org.opencontainers.artifact.created": now, "org.opencontainers.artifact.description": "SPDX JSON SBOM",
	}
	subject, err := r.registry.ManifestInfo(ctx, r.ref(), oci.DigestReference(r.Image.Digest))
	if errors.Is(err, registry.ErrManifestUnknown) || errors.Is(err, registry.ErrRepositoryUnknown) {
		return nil, &refusal{"the image was deleted"}
	}
	if err != nil {
		return nil, err
	}
	manifest.Subject = &oci.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	for _, content := range [][]byte{config, document} {
		_, err := r.registry.PutBlob(ctx, r.ref(), oci.SHA256Of(content), bytes.NewReader(content))
		if quota, ok := errors.AsType[*registry.QuotaError](err); ok {
			return nil, &refusal{"there is no room for it in the project: " + quota.Error()}
		}
		if err != nil {
			return nil, err
		}
	}
	return json.Marshal(manifest)
}

// errIndex: the images of an index have their bills each.
var errIndex = fault.Invalidf("an index has no bill of materials: ask for one of its images")
