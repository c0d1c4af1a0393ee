// Package preheat has networks of peers fetch images before anybody asks for them: instances of Dragonfly and Kraken, and
// the policies of projects by which images are handed to them, as Harbor's P2P preheat.
//
// Tables: preheat_instance, preheat_policy. An execution is of job kind P2P_PREHEAT for the policy's id: a task that plans
// (not shown) looks for the images that match, and adds one task for each, which tells the instance and waits for it.
//
// An instance is named by a system administrator. What it is told is where an image is, by its digest, and, where it needs one, a pass
// that is good for the image's repository alone and ends with the task, or after an hour where another process took that over. What the project's rules keep from being pulled, or the
// policy's filters leave out, is not handed over: both are asked when images are looked for, and when one has its turn.
package preheat
