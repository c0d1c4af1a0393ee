package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file.
const maxFile = 1 << 20

// File is the resolver of --config: a YAML mapping from keys to values. A key that Haven doesn't
// know, or that is given twice, is an error that names it.
func File(path string) (kong.Resolver, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	values := map[string]any{}
	if err := yaml.NewDecoder(io.LimitReader(f, maxFile)).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("config: %s: expected a YAML mapping of settings: %w", path, err)
	}
	return &fileResolver{path: path, values: values}, nil
}

type fileResolver struct {
	path   string
	values map[string]any
}

func key(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// Validate implements kong.Resolver: each key must be a setting of some command.
func (r *fileResolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var collect func(n *kong.Node)
	collect = func(n *kong.Node) {
		for _, f := range n.Flags {
			known[key(f.Name)] = true
		}
		for _, c := range n.Children {
			collect(c)
		}
	}
	collect(app.Node)
	for k := range r.values {
		if !known[k] || k == "config" || k == "help" {
			return fmt.Errorf("config: %s: unknown key %q", r.path, k)
		}
	}
	return nil
}

// Resolve implements kong.Resolver.
func (r *fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	v, ok := r.values[key(flag.Name)]
	if !ok || v == nil || inEnvironment(flag) {
		return nil, nil
	}
	switch v := v.(type) {
	case []any:
		return v, nil
	case map[string]any:
		return nil, fmt.Errorf("config: %s: %s: expected a value, not a mapping", r.path, key(flag.Name))
	default:
		return fmt.Sprint(v), nil
	}
}

// inEnvironment reports whether an environment variable sets the flag: it wins over the file.
func inEnvironment(flag *kong.Flag) bool {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return true
		}
	}
	return false
}
