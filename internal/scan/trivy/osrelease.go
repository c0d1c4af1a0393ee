package trivy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"iter"
	"regexp"
	"strings"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// lines yields the lines of a text. A line of more than a megabyte ends it.
func lines(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		s := bufio.NewScanner(bytes.NewReader(text))
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			if !yield(s.Text()) {
				return
			}
		}
	}
}

// families are the words of os-release for the families that we know by it. Debian and Ubuntu have files of their own.
var families = map[string]string{
	"activestate": "activestate", "almalinux": "alma", "alpine": "alpine", "azurelinux": "azurelinux", "bottlerocket": "bottlerocket",
	"centos": "centos", "chainguard": "chainguard", "coreos": "coreos", "echo": "echo", "fedora": "fedora", "mariner": "cbl-mariner",
	"minimos": "minimos", "ol": "oracle", "opensuse": "opensuse-leap", "opensuse-leap": "opensuse-leap",
	"opensuse-tumbleweed": "opensuse-tumbleweed", "photon": "photon", "rhel": "redhat", "rocky": "rocky", "sl-micro": "slem",
	"sle-micro": "slem", "sle-micro-rancher": "slem", "sles": "sles", "wolfi": "wolfi",
}

func osRelease(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	in.system(parseOSRelease(text))
	return nil
}

func parseOSRelease(text []byte) inventory.OS {
	said := map[string]string{}
	for line := range lines(text) {
		if key, value, ok := strings.Cut(line, "="); ok {
			said[strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	os := inventory.OS{Family: families[said["ID"]], Name: said["VERSION_ID"]}
	if os.Family == "" || os.Name == "" {
		return inventory.OS{}
	}
	if os.Family == "centos" && said["NAME"] == "CentOS Stream" {
		os.Family = "centos-stream"
	}
	return os
}

// firstLine is for files that hold the release, and nothing else.
func firstLine(family string) analyse {
	return func(in *input) error {
		text, err := in.text()
		if err != nil {
			return err
		}
		for line := range lines(text) {
			in.system(inventory.OS{Family: family, Name: strings.TrimSpace(line)})
			break
		}
		return nil
	}
}

func lsbRelease(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	ubuntu := false
	for line := range lines(text) {
		if line == "DISTRIB_ID=Ubuntu" {
			ubuntu = true
		} else if release, ok := strings.CutPrefix(line, "DISTRIB_RELEASE="); ok && ubuntu {
			in.system(inventory.OS{Family: "ubuntu", Name: strings.TrimSpace(release)})
			break
		}
	}
	return nil
}

func ubuntuPro(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	var status struct {
		Services []struct{ Name, Status string }
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return err
	}
	for _, s := range status.Services {
		if s.Name == "esm-infra" && s.Status == "enabled" {
			in.system(inventory.OS{Family: "ubuntu", Extended: true})
		}
	}
	return nil
}

func amazonRelease(in *input) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	for line := range lines(text) {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "Amazon Linux release 2") && len(words) >= 4:
			in.system(inventory.OS{Family: "amazon", Name: strings.Join(words[3:], " ")})
			return nil
		case strings.HasPrefix(line, "Amazon Linux") && len(words) >= 3 && words[2] != "release":
			in.system(inventory.OS{Family: "amazon", Name: strings.Join(words[2:], " ")})
			return nil
		}
	}
	return nil
}

var releaseLine = regexp.MustCompile(`^(.*) release (\d[\d.]*)`)

// redhatRelease reads the files that Red Hat's distribution and those derived from it carry. With a family only that
// one is believed: some carry the files of others too.
func redhatRelease(only string) analyse {
	return func(in *input) error {
		text, err := in.text()
		if err != nil {
			return err
		}
		for line := range lines(text) {
			m := releaseLine.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil {
				return nil
			}
			family := redhatFamily(m[1])
			if only == "oracle" {
				family = only
			}
			if only == "" || only == family {
				in.system(inventory.OS{Family: family, Name: m[2]})
				return nil
			}
		}
		return nil
	}
}

func redhatFamily(name string) string {
	switch strings.ToLower(name) {
	case "centos", "centos linux":
		return "centos"
	case "rocky", "rocky linux":
		return "rocky"
	case "alma", "almalinux", "alma linux":
		return "alma"
	case "oracle", "oracle linux", "oracle linux server":
		return "oracle"
	case "fedora", "fedora linux":
		return "fedora"
	default:
		return "redhat"
	}
}

// rapidFort marks images whose packages RapidFort rebuilt. That the file is there says it.
func rapidFort(in *input) error {
	in.said = true
	in.walk.layer.Supplier = inventory.RapidFort
	return nil
}
