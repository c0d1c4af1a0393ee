//go:build acceptance

package kubernetes

import (
	"testing"

	"github.com/havenregistry/haven/test/cluster"
)

const (
	webhookToken = "token-of-the-webhook"
	// webhookUser is the service account of the manifests, so that their RBAC is what the webhook gets by with.
	webhookUser = "system:serviceaccount:haven-admission:haven-admission"
)

// site is a cluster that asks a webhook, and what that is about.
type site struct {
	*cluster.Cluster
	clean  string // the digest of the image that may run
	secret string // of the robot that asks about images
	more   string // registries of the policy beside Haven
}

func startCluster(t *testing.T) *site {
	t.Helper()
	return &site{Cluster: cluster.Start(t, webhookToken+","+webhookUser+",2,system:authenticated")}
}

// namespace makes a namespace with a mode, "" for none.
func (c *site) namespace(name, mode string) {
	c.T.Helper()
	labels := map[string]string{}
	if mode != "" {
		labels["haven.io/admission"] = mode
	}
	c.Namespace(name, labels)
}
