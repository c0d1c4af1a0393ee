package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/havenregistry/haven/internal/admission"
	"github.com/havenregistry/haven/internal/app"
	"github.com/havenregistry/haven/internal/config"
)

// admissionCommands are a cluster's admission webhook, and what the cluster needs to call it.
type admissionCommands struct {
	Serve     admissionServe     `cmd:"" default:"withargs" help:"Run the webhook (the default)."`
	Manifests admissionManifests `cmd:"" help:"Print what a cluster needs to run and call the webhook, as YAML for kubectl apply."`
}

// admissionServe runs the webhook until SIGTERM.
type admissionServe struct {
	config.Admission `embed:""`
}

// Run implements kong's command.
func (s *admissionServe) Run(ctx context.Context) error {
	if err := s.Complete(); err != nil {
		return err
	}
	log := s.Logger()
	slog.SetDefault(log)
	a, err := app.NewAdmission(s.Admission, log)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

type admissionManifests struct {
	Image         string `required:"" placeholder:"IMAGE" help:"Image of Haven, best by digest."`
	Namespace     string `default:"haven-admission" placeholder:"NAME" help:"Namespace to run in. The webhook isn't called for it."`
	ServiceName   string `default:"haven-admission" placeholder:"NAME" help:"Name of the service and of all else."`
	Replicas      int    `default:"2" placeholder:"N" help:"How many to run."`
	FailurePolicy string `default:"Fail" enum:"Fail,Ignore" help:"What the cluster does while no replica answers: Fail refuses, Ignore lets everything in."`
	Mutate        bool   `default:"true" negatable:"" help:"Have digests written into objects."`
	RobotSecret   string `default:"haven-robot" placeholder:"NAME" help:"Secret with the keys username and password, by which Haven is asked; you make it."`
	Policy        string `placeholder:"FILE" help:"The policy to put in; without it an example, to be edited."`
	HavenURL      string `placeholder:"URL" default:"https://registry.example.com" help:"Address of Haven, for the example."`
}

// Run implements kong's command.
func (m *admissionManifests) Run() error {
	policy := ""
	if m.Policy != "" {
		text, err := os.ReadFile(m.Policy)
		if err != nil {
			return fmt.Errorf("policy: %w", err)
		}
		policy = string(text)
	}
	return admission.WriteManifests(os.Stdout, admission.Manifests{
		Image: m.Image, Namespace: m.Namespace, Name: m.ServiceName, Replicas: m.Replicas, FailurePolicy: m.FailurePolicy,
		Mutate: m.Mutate, RobotSecret: m.RobotSecret, Policy: policy, HavenURL: m.HavenURL,
	})
}
