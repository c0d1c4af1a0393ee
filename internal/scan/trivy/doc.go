// Package trivy reads layers with Trivy's parsers and judges packages with its detectors and its database. It is the
// only package that imports Trivy, and it is meant to run in a confined child: what it reads was pushed by strangers,
// and Trivy keeps its database in a variable of the process.
//
// The walk through a layer is ours, as are the parsers that Trivy doesn't offer apart from its image analysis (which
// would link ten times as much): those of package managers' lists, of the operating system's name, of jars, which may
// not fill memory, of Composer and of .NET. They find what Trivy finds in an image.
package trivy
