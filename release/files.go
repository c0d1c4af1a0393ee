package main

// What packages and the image say of Haven.
const (
	summary = "A container registry with security built in"
	about   = "Haven keeps container images, Helm charts and other OCI artifacts in projects with roles and robot accounts, scans them for vulnerabilities," +
		" signs and verifies them, replicates and caches them. It speaks Harbor's API and needs no other service."
	home   = "https://github.com/havenregistry/haven"
	vendor = "The Haven authors"
	// settingsPath is the file of settings of an installed package.
	settingsPath = "etc/haven/haven.yaml"
)

// installed is what a package puts on a machine.
func (r *release) installed(p program) ([]entry, error) {
	entries := []entry{
		{path: "usr/bin/haven", mode: 0o755, content: p.content}, {path: "usr/share/doc/haven/" + noticesFile, mode: 0o644, content: p.notices},
	}
	for _, f := range []struct {
		from string
		to   entry
	}{
		{"deploy/systemd/haven.service", entry{path: "usr/lib/systemd/system/haven.service", mode: 0o644}},
		// It may hold passwords. The scripts give it the group of the service.
		{"deploy/packages/haven.yaml", entry{path: settingsPath, mode: 0o640, setting: true}},
		{"LICENSE", entry{path: "usr/share/doc/haven/copyright", mode: 0o644}},
	} {
		content, err := r.read(f.from)
		if err != nil {
			return nil, err
		}
		f.to.content = content
		entries = append(entries, f.to)
	}
	return append(entries, folder("etc/haven", 0o750)), nil
}
