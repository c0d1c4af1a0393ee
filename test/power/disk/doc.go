// Package disk is a model of a file system that may lose its power: what processes see,
// and what of it is certain to be found again.
//
// The rules are those of POSIX, harder than most file systems are:
//
//   - Bytes written, and sizes set, are certain after a sync of the file. Before it each
//     write may be there, or not, or in part, whatever the order of the writes was; the
//     size may be there without the bytes, which are zeros then.
//   - A name, new or removed, is certain after a sync of its directory, and not by a
//     sync of the file that it names. Before it, it may be there or not. Names do not wait
//     for bytes: a file renamed and not synced may be empty under its new name.
//   - A rename is one change to two names: when the old one is gone for certain, the new
//     one is there. Both may be there.
//   - A sync covers what had ended when it began.
package disk
