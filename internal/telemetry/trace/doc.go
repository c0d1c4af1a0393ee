// Package trace sends traces to a collector of OpenTelemetry: what a request, or a job, spent its time on.
//
// A Tracer begins traces: with a request (Request) or a run of a job (Task). It decides by chance which are kept, unless the caller's own
// trace has decided already (W3C trace context). Everything below asks the context: Start makes a child of the span in it, and does
// nothing where that isn't kept, so nothing but the two ends knows of a Tracer. Without one, a context has no span, and each Start costs a
// look into it.
//
// Nothing waits for a collector. Spans that are over wait in a bounded queue, and those that find it full are counted and dropped.
//
// A span says what was done to which project and repository, never by whom, no credentials, no queries of addresses and no texts of
// errors: these may hold what others wrote. The log has them, with the trace's id.
package trace
