// Package observed stands before a blob store, and counts what the store is asked for, how long that takes and how often it fails. Contents
// and uploads are the store's own, so that sendfile reaches them.
package observed

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/telemetry"
)

// operation is what a store is asked for.
type operation int

const (
	appending operation = iota
	committing
	packing
	syncing
	opening
	deleting
	cancelling
	recording // a record is written, read or deleted
	checking
	operations
)

var names = [operations]string{
	appending: "append", committing: "commit", packing: "pack", syncing: "sync", opening: "open", deleting: "delete", cancelling: "cancel",
	recording: "record", checking: "check",
}

// Figures are what became of operations. What isn't there, and a client that ends in the middle of its upload, is no failure.
type Figures struct {
	*telemetry.Operations
	Driver string // of a fixed set
}

// Store returns the store, observed, with all that it can do, and its figures. driver is the kind of store.
func Store(s blob.Store, driver string) (blob.Store, *Figures) {
	f := &Figures{Driver: driver, Operations: telemetry.NewOperations("haven_storage_operation_duration_seconds",
		"How long operations of this process on the blob store took. An append lasts as long as its client sends; opening a blob doesn't read it.",
		"store", names[:], 30*time.Microsecond, 100*time.Microsecond, 300*time.Microsecond, time.Millisecond, 3*time.Millisecond, 10*time.Millisecond,
		30*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, time.Second, 10*time.Second, time.Minute)}
	o := store{s, f}
	switch s := s.(type) {
	case localStore:
		return local{o, s, s, s, s}, f
	case blob.Redirector:
		return remote{o, s}, f
	}
	return o, f
}

// localStore is all that the store of files can do.
type localStore interface {
	blob.Packer
	blob.Finder
	blob.RecordPacker
	blob.RecordSyncer
}

// run is an operation that runs.
type run struct{ telemetry.Operation }

func (f *Figures) begin(ctx context.Context, o operation) run {
	r := run{f.Begin(ctx, int(o))}
	r.Set("haven.storage.driver", f.Driver)
	return r
}

func (r run) end(err error) {
	if !isFailure(err) {
		err = nil
	}
	r.End(err)
}

// isFailure reports whether the store doesn't do its part.
func isFailure(err error) bool {
	if err == nil {
		return false
	}
	for _, answer := range []error{
		blob.ErrNotFound, blob.ErrUploadUnknown, blob.ErrUploadBusy, blob.ErrOffset, blob.ErrNameInvalid, context.Canceled, errClient,
	} {
		if errors.Is(err, answer) {
			return false
		}
	}
	return true
}

// errClient marks what went wrong with the bytes that a store was given to read, for which it isn't to blame.
var errClient = errors.New("reading what is to be stored")

// fromClient remembers how reading ended.
type fromClient struct {
	io.Reader
	err error
}

// Read implements io.Reader.
func (c *fromClient) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// blame is the error of a store, marked where it is the client's.
func (c *fromClient) blame(err error) error {
	if err != nil && c.err != nil && errors.Is(err, c.err) {
		return errors.Join(errClient, err)
	}
	return err
}

// store observes what every store can do.
type store struct {
	blob.Store
	f *Figures
}

// Append implements blob.Store.
func (s store) Append(ctx context.Context, u blob.Upload, r io.Reader) (blob.Upload, error) {
	run, client := s.f.begin(ctx, appending), &fromClient{Reader: r}
	held := u.Size
	u, err := s.Store.Append(ctx, u, client)
	run.Count("haven.size", u.Size-held)
	run.end(client.blame(err))
	return u, err
}

// Commit implements blob.Store.
func (s store) Commit(ctx context.Context, u blob.Upload, d oci.Digest) (string, error) {
	run := s.f.begin(ctx, committing)
	location, err := s.Store.Commit(ctx, u, d)
	run.end(err)
	return location, err
}

// Sync implements blob.Store.
func (s store) Sync(ctx context.Context, locations ...string) error {
	run := s.f.begin(ctx, syncing)
	err := s.Store.Sync(ctx, locations...)
	run.end(err)
	return err
}

// Cancel implements blob.Store.
func (s store) Cancel(ctx context.Context, u blob.Upload) error {
	run := s.f.begin(ctx, cancelling)
	err := s.Store.Cancel(ctx, u)
	run.end(err)
	return err
}

// Open implements blob.Store.
func (s store) Open(ctx context.Context, location string) (blob.Content, error) {
	run := s.f.begin(ctx, opening)
	c, err := s.Store.Open(ctx, location)
	run.end(err)
	return c, err
}

// Delete implements blob.Store.
func (s store) Delete(ctx context.Context, location string) error {
	run := s.f.begin(ctx, deleting)
	err := s.Store.Delete(ctx, location)
	run.end(err)
	return err
}

// PutRecord implements blob.Records.
func (s store) PutRecord(ctx context.Context, name string, content []byte) error {
	run := s.f.begin(ctx, recording)
	err := s.Store.PutRecord(ctx, name, content)
	run.end(err)
	return err
}

// ReadRecord implements blob.Records.
func (s store) ReadRecord(ctx context.Context, name string) ([]byte, error) {
	run := s.f.begin(ctx, recording)
	content, err := s.Store.ReadRecord(ctx, name)
	run.end(err)
	return content, err
}

// DeleteRecord implements blob.Records.
func (s store) DeleteRecord(ctx context.Context, name string) error {
	run := s.f.begin(ctx, recording)
	err := s.Store.DeleteRecord(ctx, name)
	run.end(err)
	return err
}

// Check implements blob.Store.
func (s store) Check(ctx context.Context) error {
	run := s.f.begin(ctx, checking)
	err := s.Store.Check(ctx)
	run.end(err)
	return err
}

// remote is a store that can send clients to where a blob lies. That costs no request: it isn't counted.
type remote struct {
	store
	blob.Redirector
}
