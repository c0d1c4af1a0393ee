// Package audit keeps the log of who did what: a row for each event, in Harbor's words. It forwards the rows to
// a receiver of syslog, and purges those that are old.
//
// Table audit, and audit_count, the number of its rows by project, person and operation. Rows outlive the projects and accounts
// they name. audit_order and audit_forward are forwarding's; purges are upkeep (job/upkeep).
//
// A row that is to be forwarded says so itself (delivery): what was written while there was a receiver is
// delivered to it, or to the one that is set next. A row that isn't to be kept is deleted by the transaction
// that notes its delivery, and only by that one.
package audit
