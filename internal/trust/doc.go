// Package trust knows which artifacts are signed by somebody whom their project trusts.
//
// A policy (trust/policy) says whom; a project without one has the system's. What a signature is worth by a policy
// is found out when it arrives, when the policy changes, or at the latest when somebody wants to pull its subject, and kept
// (trust_check). It follows from bytes alone: the signature's, the subject's digest, and the policy with all keys and roots
// that it leads to, by whose hash it is kept. So a row is never wrong, only missing or, where a certificate ends, out of date,
// and nobody has to think of rows when signatures come and go: which signatures a subject has is asked of the registry's own
// rows, each time.
//
// Invariants:
//   - What can't be read, can't be checked in time, or is about something else satisfies nothing.
//   - A signature counts where it is: in the repository of its subject. Copies and replicas bring it along.
//   - An index's signature covers the images that it leads to, since it names them by digest; theirs don't cover it.
//   - However many signatures somebody attaches, a pull looks at a bounded number of them, and those that are known to be
//     good come first: nobody can hide them behind others.
package trust
