package foreign

import (
	"context"
	"fmt"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// credential is what the file says for the registry now. Programs that it may name are never run.
func (r *Registry) credential() (auth.Credential, error) {
	text, err := readFile(r.settings.CredentialsFile)
	if err != nil {
		return auth.EmptyCredential, fmt.Errorf("credentials_file: %w", err)
	}
	// What a parser says of this file could show what is in it.
	store, err := credentials.NewMemoryStoreFromDockerConfig(text)
	if err != nil {
		return auth.EmptyCredential, fmt.Errorf("credentials_file: %s: expected JSON as Docker's config.json, with auths", r.settings.CredentialsFile)
	}
	names := []string{r.settings.Host, r.home.Host}
	if r.settings.Host == "docker.io" {
		names = append(names, "index.docker.io")
	}
	for _, name := range names {
		c, err := store.Get(context.Background(), name)
		if err != nil || c != auth.EmptyCredential {
			return c, err
		}
	}
	return auth.EmptyCredential, nil
}
