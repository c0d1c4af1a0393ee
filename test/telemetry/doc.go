// Package telemetry holds what the program tells those who run it: traces of a push, a pull and a job, and alert rules that Prometheus
// understands.
package telemetry
