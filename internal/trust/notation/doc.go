// Package notation says what signatures of the Notary Project are worth: manifests of the type
// application/vnd.cncf.notary.signature, each with one envelope, JWS or COSE, that refer to what they sign.
//
// The Notary Project's own library judges what the envelope says, whether it was changed, whether one of the policy's authorities
// stands behind it, and whether its subject is one that the policy names. Three things are Haven's:
//
// Time. The library asks the machine's clock; here the time is given, so that a verdict says of which time it is and until when
// it holds. Where a time-stamping authority of the policy has stamped the signature, its certificates are judged by
// that time, else by now. A stamp that doesn't verify proves nothing, and takes nothing away either: it isn't covered by
// the signature, so anybody may have put it there.
//
// Revocation. Nothing is fetched: the addresses are in the certificate, and who signs may be anybody. The policy's own lists
// decide. A complete list, signed by the issuer, in force and not ended, says that a certificate is good by not naming it. A list
// that names it says that it is revoked even when the list has ended. A list with a scope (delta, partitioned, indirect) never says
// that anything is good. Each certificate of the chain counts but the root, and of a time stamp's chain too.
//
// Bounds, and what is refused: chains of more than ten certificates, RSA keys of more than 8192 bits, what a plugin would have
// to verify, and signed attributes that must be understood and aren't. No plugin is ever run. The scheme
// notary.x509.signingAuthority has the signer's word for its time; a policy can't name such an authority.
package notation
