// Package workload lets programs in by a token that another system issued to them: a CI job, a pod. No
// secret is stored on either side.
//
// Tables: workload_policy, workload_permission.
//
// A trust policy names an issuer, an audience and a condition over the token's claims, and grants what a
// robot of the same level could be granted. A token lets in when
//   - its signature, by an asymmetric algorithm of a fixed list, fits a key of the issuer: keys come from
//     the policy, or by OpenID Connect Discovery,
//   - issuer and audience are exactly the policy's, and it is within its life,
//   - the condition, which sees the claims and nothing else, is true.
//
// Who is let in is a robot that has no account. It lives as long as the policy says and the token does,
// minutes, and ends when the policy changes. Why a token is refused the log says, and Try; who sent it is
// told the same for every reason.
package workload
