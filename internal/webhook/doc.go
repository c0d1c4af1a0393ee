// Package webhook tells others what happens: policies of projects, and of the whole registry (project 0), name types of
// events and addresses, and each event that a policy wants becomes a delivery for each of its targets.
//
// Tables webhook_policy, webhook_target, webhook_delivery, webhook_trigger (when a policy was last set off), webhook_change.
//
//   - An event that nobody wants writes nothing; one that is wanted writes one row a target, in the transaction that takes
//     it from the outbox.
//   - Each target is a queue of its own. One process at a time works on it, by a lease, so that a target that is slow or
//     dead holds up nobody else, and deliveries of one subject (a repository) arrive in their order.
//   - A delivery is made at least once: what was sent and not yet noted when a process ended is sent again, with its id.
//   - What an answer says of the request itself (400, 413, 422…) is final. Another failure holds up the subject, and the
//     whole queue when nothing gets through; it is tried again with growing pauses, and given up in the end, to be looked at
//     and sent again by somebody.
//   - Queues, what is kept of them, requests and answers are bounded.
package webhook
