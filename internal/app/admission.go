package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/havenregistry/haven/internal/admission"
	"github.com/havenregistry/haven/internal/admission/certificate"
	"github.com/havenregistry/haven/internal/admission/kube"
	"github.com/havenregistry/haven/internal/config"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/servertls"
	"github.com/havenregistry/haven/internal/telemetry"
)

// Admission is a cluster's admission webhook in a process of its own, which keeps nothing.
type Admission struct {
	cfg         config.Admission
	log         *slog.Logger
	server      *admission.Server
	certificate admission.Certificate
	keeper      *certificate.Keeper // nil with a certificate from files
}

// NewAdmission reads the policy and builds the parts. It listens to nothing yet.
func NewAdmission(cfg config.Admission, log *slog.Logger) (*Admission, error) {
	a := &Admission{cfg: cfg, log: log}
	policy, err := admission.ReadPolicy(cfg.Policy)
	if err != nil {
		return nil, err
	}
	cluster, err := connectCluster(cfg)
	if err != nil {
		return nil, err
	}
	if err := a.makeCertificate(cluster); err != nil {
		return nil, err
	}
	a.server, err = admission.New(admission.Deps{
		Policy: policy, Certificate: a.certificate, Cluster: cluster, Events: cfg.Events, Clock: time.Now, Log: log,
	})
	return a, err
}

// connectCluster is nil outside of a cluster.
func connectCluster(cfg config.Admission) (*kube.Client, error) {
	access := kube.Access{URL: cfg.KubeAPI, TokenFile: cfg.KubeTokenFile, CAFile: cfg.KubeCAFile}
	if cfg.KubeAPI == "" {
		var inside bool
		if access, inside = kube.InCluster(); !inside {
			return nil, nil
		}
	}
	return kube.New(access)
}

func (a *Admission) makeCertificate(cluster *kube.Client) error {
	cfg := a.cfg
	if !cfg.SelfSigned {
		files, err := servertls.NewFiles(cfg.TLSCertFile, cfg.TLSKeyFile, a.log)
		a.certificate = files
		return err
	}
	namespace := cfg.Namespace
	if namespace == "" {
		namespace = kube.Namespace()
	}
	if cluster == nil || namespace == "" {
		return errors.New("self_signed: expected to be a pod of a cluster, or kube_api and namespace")
	}
	host := cfg.ServiceName + "." + namespace
	a.keeper = certificate.NewKeeper(cluster,
		certificate.Place{Namespace: namespace, Secret: cfg.TLSSecret, Validating: cfg.ValidatingWebhook, Mutating: cfg.MutatingWebhook},
		certificate.Terms{
			Names: append([]string{host + ".svc", host, host + ".svc.cluster.local"}, cfg.TLSNames...),
			Life:  cfg.CertificateLife, AuthorityLife: cfg.AuthorityLife, Settle: cfg.AuthoritySettle,
		}, time.Now, a.log)
	a.certificate = a.keeper
	return nil
}

const (
	// readTime bounds reading a review, and writeTime writing the answer: no API server waits longer than 30 s.
	readTime  = 15 * time.Second
	writeTime = 45 * time.Second
)

// Run serves until ctx is cancelled. Then it still answers for a while, because the cluster doesn't know yet.
func (a *Admission) Run(ctx context.Context) error {
	l, err := listen(ctx, a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	h := &http.Server{
		Handler: a.server.Handler(), ReadHeaderTimeout: readTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeadSize, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		TLSConfig: servertls.Config(a.certificate, nil),
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var g errgroup.Group
	g.Go(func() error { return a.server.Run(background) })
	if a.keeper != nil {
		g.Go(func() error { return a.keeper.Run(background) })
	}
	failed := make(chan error, 1)
	go func() { failed <- h.ServeTLS(l, "", "") }()
	fmt.Printf("Haven's admission webhook %s is ready at https://%s\n", telemetry.Version(), l.Addr())
	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		a.log.Info("leaving")
		a.server.Leave()
		pause.For(background, a.cfg.DrainDelay)
		err = drain(h)
	}
	stop()
	return errors.Join(err, g.Wait())
}
