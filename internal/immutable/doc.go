// Package immutable is which tags of a project stay as they are.
//
// A rule chooses tags by a pattern of repositories and one of tags, and says what may not happen to them: that they
// move to another artifact, that they are deleted, or, until a time, either (a legal hold). Harbor's rules are those
// that forbid both and hold nothing. A tag that isn't there yet may always be made.
//
// Package registry asks in the transaction that moves or deletes, so that no push slips by a rule that was made just
// before. It knows from the tag's own statement whether the project has rules at all, by their version
// (immutable_version): a project without any pays nothing, and the compiled rules are remembered by the version, which is
// right in every process without word from the others.
//
// A hold binds everybody, system administrators and retention too. It is only ever made longer, and ends by itself.
// Before its time it takes two different system administrators to end it, each with a reason, within a week; both are
// in the audit log. What holds hold, goes neither with its artifact, nor with its repository or project; the
// signatures and parts of a held artifact are held as well.
//
// Tables immutable_rule and immutable_version.
package immutable
