package policy

import "encoding/json"

// Policy is a document, as people write it.
type Policy struct {
	// Roots are what certificates with identities are verified by, by name.
	Roots   map[string]Root `json:"roots,omitempty"`
	Signers []Signer        `json:"signers,omitempty"`
	// Require is what an artifact must have; null demands nothing of its own: every signer will do.
	Require *Requirement `json:"require,omitempty"`
	// SignedBeforeTag refuses a tag to what doesn't fulfil the policy yet: it is pushed by its digest, signed, and tagged then.
	SignedBeforeTag bool `json:"signed_before_tag,omitempty"`
}

// Root is what signatures with short-lived certificates are verified by: a Sigstore trust root, public or private. Either
// TrustedRoot, or the parts.
type Root struct {
	// TrustedRoot is Sigstore's trusted_root.json as it is.
	TrustedRoot json.RawMessage `json:"trusted_root,omitempty"`
	// CA is a PEM bundle of the authority's root and intermediate certificates.
	CA string `json:"ca,omitempty"`
	// Log is a PEM bundle of public keys of transparency logs (Rekor). With one, an entry in such a log is demanded.
	Log string `json:"log,omitempty"`
	// CTLog is a PEM bundle of public keys of certificate transparency logs. With one, a certificate needs a signed timestamp.
	CTLog string `json:"ct_log,omitempty"`
	// TSA is a PEM bundle of certificates of time-stamping authorities (RFC 3161).
	TSA string `json:"tsa,omitempty"`
}

// Signer is somebody whom the policy trusts, by one or several of three kinds of credentials.
type Signer struct {
	Name string `json:"name"`
	// Keys are public keys in PEM (PKIX), as `cosign public-key` writes them: ECDSA P-256 to P-521, RSA of 2048 bits and more, Ed25519.
	Keys []string `json:"keys,omitempty"`
	// Identities are those of certificates, verified by a root.
	Identities []Identity `json:"identities,omitempty"`
	// Notation is a trust store and those of its certificates' subjects that count.
	Notation *Notation `json:"notation,omitempty"`
}

// Identity is that of a certificate that Fulcio, or an authority like it, has given. Exactly one of each pair is set.
type Identity struct {
	Root          string `json:"root"` // the name of a root
	Issuer        string `json:"issuer,omitempty"`
	IssuerRegexp  string `json:"issuer_regexp,omitempty"` // RE2, must match the whole; "" and Issuer "" where the authority is private and writes none
	Subject       string `json:"subject,omitempty"`       // an e-mail address, a URI, a DNS name or another name that the certificate carries
	SubjectRegexp string `json:"subject_regexp,omitempty"`
}

// Notation is what signatures of the Notary Project are verified by.
type Notation struct {
	// Certificates is a PEM bundle of certificates of authorities, or of self-signed signing certificates.
	Certificates string `json:"certificates"`
	// Identities are distinguished names of signing certificates, as in Notation's trust policies ("C=US, ST=WA, O=acme": these three
	// at least, as there), or "*" alone. Each counts that has all of one's attributes.
	Identities []string `json:"identities"`
	// TSA is a PEM bundle of certificates of time-stamping authorities.
	TSA string `json:"tsa,omitempty"`
	// Revocation says what certificates that may have been revoked are worth: "enforce" refuses a certificate unless one of CRLs says
	// that it is good, "log" only one that a list names, "skip" none. "" is "log".
	Revocation string `json:"revocation,omitempty"`
	// CRLs is a PEM bundle of revocation lists. Nothing is fetched: who signs may be anybody, and would name the address.
	CRLs string `json:"crls,omitempty"`
}

// Requirement is a rule. Exactly one of its fields is set.
type Requirement struct {
	AnyOf       []Requirement `json:"any_of,omitempty"`
	AllOf       []Requirement `json:"all_of,omitempty"`
	SignedBy    string        `json:"signed_by,omitempty"` // a signer's name, or "*" for any of them
	Attestation *Attestation  `json:"attestation,omitempty"`
}

// Attestation demands a signed statement about the artifact.
type Attestation struct {
	PredicateType string `json:"predicate_type"`    // as https://slsa.dev/provenance/v1
	By            string `json:"by"`                // a signer's name, or "*"
	Builder       string `json:"builder,omitempty"` // the builder's id of a SLSA provenance, exactly
	// Rule is a CEL expression on the variable predicate that must be true.
	Rule string `json:"rule,omitempty"`
}
