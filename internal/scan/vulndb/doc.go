// Package vulndb keeps the vulnerability database that packages are judged by. It takes editions in, from an upload, a
// folder, an archive or a registry; has each looked through by a confined child; keeps its bytes in the store, where
// every replica finds them; and keeps an unpacked copy of the one in force, and of the one before, on each machine.
//
// Its table is vulndb_edition. Of the rows that are ready the one imported last is in force. A row is written before
// the bytes it names and deleted after them, so that nothing is left in the store that no row tells of. The copies on
// a machine lie in folders named by digest, which are made elsewhere and renamed: one that is there is whole, and is
// never changed.
package vulndb
