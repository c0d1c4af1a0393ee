// Package admission is the cluster's door: `haven admission`, a small server that keeps nothing, which the API server of a
// Kubernetes cluster asks before it stores a pod, or something that makes pods. It rejects what Haven's rules refuse before
// anything starts, and writes the digest that was checked into the object, so that what was checked is what runs.
//
// A review goes this way: it is read strictly (review.go), the images in it are found (workload.go) and parsed as Docker
// does (image.go), those that an update leaves as they were are left out, the mode of the namespace is looked up (mode.go),
// each image is judged by the policy (policy.go, judge.go), and the rulings become an answer (answer.go, patch.go). Haven is
// asked for many images at once (ask.go), other registries for one at a time (askers.go); verdicts are remembered for seconds, and
// who asks for the same meanwhile waits for the same answer (verdicts.go).
//
// What can't be read, is not in the policy or can't be asked for is refused (S12), but where the policy says on_error: allow
// and the mode of the namespace says so. Everything is bounded (S15): bodies, images in an object, questions at once,
// requests at once, what is remembered, and events.
//
// foreign verifies images of registries other than Haven by the policy's own keys, kube speaks to the cluster's API,
// certificate makes and renews the server's certificate.
package admission
