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
	if created || a.generated == "" {
		return nil
	}
	// Another replica was first. It announces the password; our file stays where both share the folder.
	ours, err := id.HasPassword(ctx, identity.AdminID, a.generated)
	if err != nil {
		return fmt.Errorf("compare the administrator's password: %w", err)
	}
	a.generated = ""
	if ours {
		return nil
	}
	if err := os.Remove(a.passwordAt); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// firstPassword reads the password file, or makes a password and the file. Of replicas that share the folder
// and start together, the first one's file counts for all.
func (a *App) firstPassword() (secret.Text, error) {
	a.passwordAt = filepath.Join(a.cfg.DataDir, "admin-password")
	for {
		kept, err := os.ReadFile(a.passwordAt)
		if password := secret.Text(strings.TrimSpace(string(kept))); err == nil && password != "" {
			a.generated = password
			return password, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err == nil { // an empty file tells nobody anything
			if err := os.Remove(a.passwordAt); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
		}
		if err := writeFirst(a.passwordAt, secret.NewPassword().Reveal()+"\n"); err != nil {
			return "", err
		}
	}
}

// writeFirst makes the file whole or not at all, readable by its owner only; a file that is there stays.
func writeFirst(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".admin-password-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
