// Package audit tests the forwarding of the audit log to a real receiver of syslog.
package audit
