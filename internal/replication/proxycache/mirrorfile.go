package proxycache

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/havenregistry/haven/internal/replication/remote"
)

// dockerHub is the name by which clients mean Docker Hub.
const dockerHub = "docker.io"

// MirroredName is the name by which clients go on to pull from an upstream.
func (u Upstream) MirroredName() string {
	if u.Kind == remote.DockerHub {
		return dockerHub
	}
	parsed, err := url.Parse(u.URL)
	if err != nil {
		return ""
	}
	return strings.ToLower(parsed.Host)
}

// MirrorFile is a file that has a client pull through a project, by the names that images have upstream.
type MirrorFile struct {
	Client  string // containerd, docker or podman
	Path    string
	Content string
	Note    string // what it needs besides, "" for nothing
}

// MirrorSite is where clients find a project.
type MirrorSite struct {
	Scheme, Host string // of this registry
	Project      string
	Upstream     string   // the name by which clients go on to pull
	Hosts        []string // by which the project is meant
}

// Files are the files of all clients.
func (m MirrorSite) Files() []MirrorFile {
	return []MirrorFile{m.containerd(), m.docker(), m.podman()}
}

// upstreamURL is where clients go when the mirror has no answer.
func (m MirrorSite) upstreamURL() string {
	if m.Upstream == dockerHub {
		return "https://registry-1.docker.io"
	}
	return "https://" + m.Upstream
}

// containerd's file names the project in the path, so that it needs no mirror here.
func (m MirrorSite) containerd() MirrorFile {
	insecure := ""
	if m.Scheme == "http" {
		insecure = "  # This registry is reached without TLS.\n  skip_verify = true\n"
	}
	return MirrorFile{
		Client: "containerd", Path: "/etc/containerd/certs.d/" + m.Upstream + "/hosts.toml",
		Content: fmt.Sprintf(`# Images of %[1]s come through the project %[2]s of %[3]s.
# Without an answer from there containerd asks the server below; put this registry's address there to have it ask nobody else.
server = "%[4]s"

[host."%[5]s://%[3]s/v2/%[2]s"]
  capabilities = ["pull", "resolve"]
  override_path = true
%[6]s`, m.Upstream, m.Project, m.Host, m.upstreamURL(), m.Scheme, insecure),
		Note: `containerd's own configuration must name the folder: config_path = "/etc/containerd/certs.d" in its registry section.`,
	}
}

// docker asks mirrors of Docker Hub alone, and at the root of a host.
func (m MirrorSite) docker() MirrorFile {
	f := MirrorFile{Client: "docker", Path: "/etc/docker/daemon.json"}
	host := "MIRROR-HOST"
	switch {
	case m.Upstream != dockerHub:
		f.Note = "docker pulls by mirrors from Docker Hub alone; images of " + m.Upstream + " are pulled as " + m.Host + "/" + m.Project + "/NAME."
		return f
	case len(m.Hosts) > 0:
		host = m.Hosts[0]
	default:
		f.Note = "docker finds a mirror by its host alone: have a host of its own stand for the project (a mirror of the kind host), and put its name in the place of MIRROR-HOST."
	}
	f.Content = fmt.Sprintf("{\n  \"registry-mirrors\": [\"%s://%s\"]\n}\n", m.Scheme, host)
	if m.Scheme == "http" {
		f.Content = fmt.Sprintf("{\n  \"registry-mirrors\": [\"%s://%s\"],\n  \"insecure-registries\": [\"%s\"]\n}\n", m.Scheme, host, host)
	}
	return f
}

func (m MirrorSite) podman() MirrorFile {
	insecure := ""
	if m.Scheme == "http" {
		insecure = "insecure = true\n"
	}
	return MirrorFile{
		Client: "podman", Path: "/etc/containers/registries.conf.d/" + m.Project + ".conf",
		Content: fmt.Sprintf(`[[registry]]
prefix = "%[1]s"
location = "%[1]s"

[[registry.mirror]]
location = "%[2]s/%[3]s"
%[4]s`, m.Upstream, m.Host, m.Project, insecure),
		Note: "It holds for buildah and skopeo, and for CRI-O, too.",
	}
}
