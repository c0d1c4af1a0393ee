// Package event is the outbox: what happened is written in the transaction that caused it, and leaves
// the outbox in the transaction in which all listeners have done their part. Whatever is killed in
// between, a listener's rows are written once for each event.
//
// Table event. A row waits until retry_at; one that its listeners refused too often stays in the table
// for an operator and is not tried again. A listener's panic is a refusal, too.
package event
