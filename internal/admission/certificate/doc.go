// Package certificate is what the admission webhook shows the API server: where it isn't given one (package
// servertls), one that it makes itself, by a Keeper.
//
// The Keeper's authority and certificate lie in a Secret, so that all replicas show the same. The API server believes the
// authorities in the caBundle of the webhook configurations, which the Keeper writes there. An authority is followed by
// another in three steps, each a write of the Secret that exactly one replica succeeds with:
//
//  1. the coming authority is made, and the bundle names both; certificates are still signed by the present one;
//  2. when the bundle stands in the configurations, and some minutes later, so that each API server has heard of it, the
//     coming authority takes over and signs a new certificate; the bundle still names both;
//  3. some minutes later, when each replica shows the new certificate, the last one leaves the bundle.
//
// At no moment is a certificate shown that a caBundle doesn't hold the authority of.
package certificate
