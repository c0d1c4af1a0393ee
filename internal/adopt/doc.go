// Package adopt takes over another registry where it lies: its images are enrolled with the bytes in place, none of which is
// copied, moved or written. Package adopt/harbor reads what a Harbor's database knows beside them.
//
// It owns the table adoption. All else is written by the packages that it belongs to, through functions that make no events, so that
// nobody is told of each image; one event at the end says that it happened.
//
// An adoption fills an empty database, which is marked from its beginning to its end and not served meanwhile. What isn't an image comes
// in one transaction. Images come in many, each of which can be repeated: an adoption that was broken off is run again.
package adopt
