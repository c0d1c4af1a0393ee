// Package backup takes a whole registry elsewhere: into a backup and out of it again, or straight to another database and store.
//
// A backup is all rows of one snapshot of the database, table by table, and each blob that they name, by its digest. It has no dialect
// and no layout: it comes back on the other database and on any store. Several backups lie in one target and share blobs. A target is a
// blob.Store with records:
//
//	backups/ID/rows/TABLE/NUMBER   the rows of a table (row.go), compressed, cut into pieces
//	backups/ID/blobs/NUMBER        which blobs there are, by their digests' order, and where in the target (list.go)
//	backups/ID/secret-key          the key file, where somebody wanted that
//	backups/ID/backup.json         what the backup is, with the digests of all pieces (Description): written last
//	vulndb/LOCATION/NUMBER         editions of the vulnerability database, which backups share
//	locks/KIND-ID                  who reads, writes or deletes there now (lock.go)
//
// Invariants:
//
//   - Without its backup.json a backup isn't there. All that it names is durable before.
//   - While the rows' blobs are copied the registry keeps their bytes (registry.Holding), and nobody deletes from the target.
//   - A blob is compared with its digest on each way. One that a list names was whole when the line was written.
//   - A database that isn't filled to the end has the table filling, and no command uses it. What has been copied already is in the
//     table filled_blob, so that filling it goes on where it was killed. Both are this package's, and go when all is there.
package backup
