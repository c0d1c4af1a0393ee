// Package server offers Haven's own scanner to registries that speak Harbor's scanner adapter API 1.2: a Harbor, or
// another Haven. `haven scanner` runs it, in a process of its own.
//
// A registry asks for a scan and says where the image is. Scans wait in a bounded queue; a worker fetches the image
// with the authorization that came along, which goes to that registry's origin and nowhere else (S5), has its layers
// read and its packages judged by confined children, and keeps the report in memory until it is old or room is
// needed. A process that ends forgets its scans: the registry then asks again.
package server
