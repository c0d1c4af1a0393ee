// Package evidence is what a signature or an attestation turned out to be worth. It follows from bytes alone: those of the
// signature, the digest that it is about, and what a policy trusts. It holds types only; those who read the formats
// (trust/cosign, trust/notation) and those who decide by them (trust/policy, trust) share them.
package evidence
