// Package confined reads what strangers pushed in a child process that can do little: no network, no files, no
// credentials, bounded memory and time. The child is this same program, started anew (haven scan-worker); what
// it is asked and what it answers goes through pipes, in frames of bounded size, and what it says is checked.
package confined
