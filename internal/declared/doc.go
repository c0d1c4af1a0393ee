// Package declared is what a registry should be, as one document: settings, registries elsewhere, projects and what is in them,
// robots, replication. It reads the document, says what differs from a registry that runs, and makes it so, by the registry's
// public APIs alone. haven config is its command.
//
// A kind of object is an entry in a table (kinds), with its fields, and four functions that list, create, change and remove. All
// else is the same for each: the strict reading, the difference, the order, the export. The table's order is the order in which
// things are made, and the reverse of that in which they are removed.
//
// What the document doesn't say is left alone: a field, an object, a list. A list that it has may be pruned on demand.
//
// A secret can't be read back. It is set when its object is made, when the registry says that it has none, when what it belongs to
// (an address, an account) changes, and when its version in the document is another than the one that was set last, which
// the registry remembers (setting.DeclaredSecretVersions). So that nothing differs after an apply, whoever looks.
package declared
