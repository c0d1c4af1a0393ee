// Package doctor finds out what is wrong with a set-up, before people do. Each check looks at one thing that `haven serve` needs, by the
// same configuration, and says what it found: good, doubtful or wrong, and what to do. Checks run beside each other, each with a deadline of
// its own, so that a dead server or a hanging disk costs the others nothing.
//
// Nothing that is there is changed. What a check writes (a file in a folder, a few objects in a bucket, a notice to nobody) has a name of its
// own and is gone when it ends. A running Haven isn't disturbed.
//
// Texts show no secret: what a library says about a failure is searched for those of the configuration.
package doctor
