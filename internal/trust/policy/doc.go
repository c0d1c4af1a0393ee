// Package policy is a trust policy: whom a project trusts to sign, and what its artifacts must have been signed or attested
// with. It holds the document as people write it, its checks, and the decision by pieces of evidence; nothing here reads
// a database, a file or a signature.
//
// A document stands for itself: keys, certificates and the roots of transparency logs are in it as text, so what
// follows from it follows from its bytes, and works without any network. A project's document may name roots
// of the system's.
package policy
