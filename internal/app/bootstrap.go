package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/project"
	"github.com/havenregistry/haven/internal/secret"
)

// bootstrap creates on the first start the user admin and the project library. Without a configured
// password it makes one, and writes it to its file before the user exists: a crash in between leaves a
// file that the next start takes the password from, never a user whose password nobody knows.
func (a *App) bootstrap(ctx context.Context, id *identity.Service, projects *project.Service) error {
	exists, err := id.Bootstrapped(ctx)
	if err != nil {
		return err
	}
	if !exists {
		if err := a.createAdmin(ctx, id); err != nil {
			return err
		}
	}
	return projects.Bootstrap(ctx)
}

func (a *App) createAdmin(ctx context.Context, id *identity.Service) error {
	password := a.cfg.AdminPassword
	if password == "" {
		var err error
		if password, err = a.firstPassword(); err != nil {
			return fmt.Errorf("keep the administrator's password: %w", err)
		}
	}
	created, err := id.Bootstrap(ctx, password, a.generated != "")
	if err != nil {
		return fmt.Errorf("create the user admin: %w", err)
	}
	if !created && a.generated != "" { // another replica was first, with its own password
		a.generated = ""
		return os.Remove(a.passwordAt)
	}
	return nil
}

// firstPassword reads the password file, or makes a password and the file.
func (a *App) firstPassword() (secret.Text, error) {
	a.passwordAt = filepath.Join(a.cfg.DataDir, "admin-password")
	kept, err := os.ReadFile(a.passwordAt)
	switch {
	case err == nil && strings.TrimSpace(string(kept)) != "":
		a.generated = secret.Text(strings.TrimSpace(string(kept)))
		return a.generated, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	a.generated = secret.NewPassword()
	f, err := os.OpenFile(a.passwordAt, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(a.generated.Reveal() + "\n")
	return a.generated, errors.Join(err, f.Sync(), f.Close())
}
