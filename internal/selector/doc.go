// Package selector is patterns that choose repositories and tags by their names: globs as Harbor has them, and
// besides them regular expressions and ranges of versions.
//
// A pattern is a text, so that it fits wherever Harbor's clients write a glob. Its notation stands in front:
//
//	production/**            a glob
//	regex:release-[0-9]+     a regular expression (RE2), of the whole name
//	semver:>=1.2 <2          a range of semantic versions
//
// No name of a repository and no tag holds a colon, so a glob that begins like this would match nothing.
//
// In a glob * stands for any run of characters but the slash, ? for one of them, [a-z] and [^a-z] for one of a class,
// {a,b} for one of several, ** as a whole part of a path for any number of parts, and \ takes from the next
// character its meaning. a/** means what is below a, and not a itself. The empty pattern matches everything. All of
// this is as the first version of doublestar has it, which Harbor uses; the later ones differ.
//
// Everything is compiled to RE2, so that no pattern takes more than linear time for a name (S15).
package selector
