// Package scan knows which vulnerabilities the registry's images have.
//
// An image is read once: each of its layers by digest (scan_layer), whatever images share it, and what the layers
// make together (scan_inventory). The distinct packages of all images are rows (scan_package) that an edition of
// the vulnerability database judges once (scan_finding, with what is known of a vulnerability in
// scan_vulnerability); which image holds which package is scan_content. So another edition is a pass over packages,
// not over images, and reads no blob: it writes what differs (scan_change), and the summaries of the reports
// that hold what changed.
//
// Invariants:
//   - A report (scan_report) belongs to a manifest's digest and a scanner, whatever repositories hold the manifest.
//   - Status Success is said only of an image that was evaluated wholly: nothing unread, a distribution that
//     somebody publishes advisories for. What was evaluated partly or not at all is an Error with a reason,
//     never clean; what is known of it is told besides.
//   - A report's evaluation and counts are of the last scan that ended; while the next one waits or runs, or when it
//     failed, they stay.
//   - A package whose evaluation is not the last one is due. Whoever judges by an edition that isn't the last
//     one any more leaves the package due, and the pass finds it.
//   - What other scanners report are packages of a scope of their own, "report N", that no edition judges.
//   - Rows of manifests, layers and packages that are no more go bit by bit (Tidy).
package scan
