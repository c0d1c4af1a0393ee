// Package retention is which artifacts of a project stay; what no rule retains is deleted.
//
// A policy has rules. A rule covers repositories by a pattern, selects artifacts in them by patterns of tags, and retains some
// of those by its template: the last that were pushed or used, those of the last days, all. What any rule retains, stays. In
// a repository that a rule covers everything else goes, even where no rule selected anything; what no rule covers is let
// alone. Artifacts are those that listings show: the parts of an index, signatures and other accessories follow what they
// belong to.
//
// A run is an execution of package job with a task for each repository. The task reads what it decides by in pages, and keeps a few
// bytes of each artifact (item), so that a repository may have a million; decide is a pure function of that. Then it deletes
// batch by batch, what contains others first, each batch in a transaction of the run: what was pushed, tagged or used
// since it was read stays, and so does a part of what stays (registry.Deletion). remove is the only place where
// a run deletes anything.
//
// A use is a pull by a person or a program, not by a scanner or another registry that copies (registry.Class).
//
// A project without a policy follows the default policy, where there is one, unless it says otherwise (Mode); one that has a
// policy may have the default's rules retain besides its own.
//
// Tables retention_policy, retention_default and retention_mode. The project's metadata retention_id is package project's, which this one asks to write it.
package retention
