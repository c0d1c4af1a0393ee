package blob

import "context"

// RecordSyncer is a store whose records don't survive the loss of power by themselves.
type RecordSyncer interface {
	// SyncRecords makes records survive the loss of power. One that is absent is ErrNotFound.
	SyncRecords(ctx context.Context, names ...string) error
}
