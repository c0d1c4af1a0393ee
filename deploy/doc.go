// Package deploy holds what Haven is run and watched with. Its tests write the dashboards for Grafana from the tables in them
// (go test ./deploy -update), and hold dashboards and alert rules to the metrics that the program has.
package deploy
