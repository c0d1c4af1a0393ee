// Command release makes what a release of Haven consists of, from a checkout whose portal is built, into a folder: the program for each
// platform as an archive, a Debian package and an RPM; a container image for all of them, as an OCI layout; SBOMs; checksums; and
// signatures, where it is given a key. It needs no root and no Docker.
//
// All of it follows from the sources, the version and the toolchain, to the byte: times are the commit's, and no path of the machine is in
// it. Who has the same sources and the same Go gets the same files. The signatures are the key's, and the same each time too.
package main
