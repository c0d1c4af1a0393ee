// Package servertls is how Haven's own ports speak HTTPS: with a certificate from files, read anew when they change (Files), or with one that it
// gets and renews by ACME (Automatic, RFC 8555); and, where that is wanted, only with clients that show a certificate of certain authorities
// (Clients).
//
// The protocol is TLS 1.2 or newer, with what package crypto/tls prefers: forward secrecy and AEADs.
//
// Table acme_entry, which replicas share: the account's key, certificates, and what answers challenges, so that any replica can. All is sealed.
package servertls
