// Package signing signs what passed a project's checks, by keys of Haven's own, so that a cluster needs one key only.
//
// A project says what it wants (Policy): signatures as Cosign and Notation write them, and an attestation of the scan. A job,
// begun by a push and by the end of a scan, asks the Judge whether a manifest has passed, and pushes what is missing
// beside it, as any client would. An index that leads to what was signed is tried after it.
//
// Tables signing_key, signing_policy and signing_made.
//
// Invariants:
//   - Nothing is signed, and no scan attested, unless the Judge says so: whoever trusts the key takes each word of it
//     for a pass. An error is never a pass.
//   - What is made follows from the manifest, the key and rows that were written before, to the byte: signatures are
//     deterministic (RFC 6979), and their moment is one of the rows. So whatever is cut off, another try makes the
//     same manifest, which the registry knows by its digest. A signing program signs with other bytes each time: there
//     another try may leave two signatures, both good.
//   - Under Cosign's tag signatures are added. None of anybody's is dropped, also when it comes in the same moment.
//   - A private key is sealed, and goes when the next one comes; the authority's goes as soon as it has signed the
//     one certificate. The public parts stay listed.
package signing
