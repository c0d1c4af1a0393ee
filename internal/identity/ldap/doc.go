// Package ldap knows the people of an LDAP directory: OpenLDAP, Active Directory and their like.
//
// It keeps nothing. Each use reads the ldap_* settings, makes one connection with one time limit for all
// that is done on it (ldap_timeout), and closes it. At most maxConnections are open at a time.
//
// Invariants:
//   - A password that is empty never reaches the directory: servers answer such a bind with success and
//     mean nobody (RFC 4513, 5.1.2).
//   - What a person types stands in filters only escaped (RFC 4515), and exactly one entry must match it.
//   - Referrals are not followed: the password goes to the server that the administrator named.
//   - The stored password of the search account goes only to the address that it was stored for (S5).
//   - Names (DNs) are compared in one normal form, because directories spell them freely.
//   - Everything is bounded: time, entries, groups, the depth of nested groups, bytes of a connection.
package ldap
