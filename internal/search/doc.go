// Package search finds what somebody looks for by a few letters, a reference or a digest: projects, repositories, tags,
// artifacts, labels, packages, vulnerabilities and users, a few of each.
//
// It has no tables, and writes none. What it finds is what the listings would show to the same caller: each kind is
// looked for in the projects where the caller holds the permission of its listing, and in public ones; what is known of the
// whole registry, packages, vulnerabilities and users, is found by those who may list it. Statements find names by
// their beginning along indexes. Repositories are few compared with what they hold: up to a bound they are looked
// through, for a part of their name, and each for tags and digests that begin so.
package search
