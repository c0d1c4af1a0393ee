// Package cosign reads what Cosign attaches to artifacts, and says what it is worth by a policy: who has signed, when, and what
// is attested. A verdict follows from bytes alone: those of the signature, the artifact's digest, the policy, and the time.
// Nothing is fetched, so a signature must carry its certificates, entries of logs and timestamps with it, as Cosign's do.
//
// Three formats are read, told by the media types of layers:
//
//   - simple signing (Cosign 1 and 2, by tag sha256-….sig or as a referrer): a layer names the artifact's digest, annotations
//     hold the signature over the layer's bytes, the certificate, its chain, the log's entry and the timestamp;
//   - DSSE envelopes (Cosign 1 and 2, by tag sha256-….att): the signature of an in-toto statement, annotations as above;
//   - Sigstore bundles (Cosign 3, as referrers): all of it in one document, signing a statement, or the artifact itself.
//
// Each becomes a claim, which is judged in one way. A claim that is about another digest is invalid, whoever made it. Then keys
// of the policy are tried, and then the certificate: its own signature first, then whether an authority of a root has issued it, then
// whom it names, and only then what costs more and comes from strangers, logs' entries and timestamps. A root that names logs
// demands an entry, which must be of this signature, this certificate and this content.
//
// The time of a signature with a certificate is the one that a log or a time-stamping authority has proven; without, it is now,
// and what is verified so has to be looked at again when the certificate ends. A signature by a key has no time.
package cosign
