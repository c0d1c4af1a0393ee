package inventory

import (
	"fmt"
	"net/url"
	"strings"
)

// osPURL names a package of an operating system as the package URL specification says; "" where it knows no name.
// Libraries get theirs when they are read: it follows from the file alone.
func osPURL(os OS, p *Package) string {
	kind, namespace, name := "rpm", os.Family, p.Name
	distro := os.Family + "-" + os.Name
	switch os.Family {
	case "":
		return ""
	case "debian", "ubuntu", "echo":
		kind = "deb"
	case "alpine", "chainguard", "wolfi", "minimos":
		kind, name, distro = "apk", strings.ToLower(p.Name), os.Name
	case "sles", "slem":
		namespace = "suse"
	case "opensuse-leap", "opensuse-tumbleweed":
		namespace = "opensuse"
	}
	qualifiers := []string{}
	add := func(key, value string) {
		if value != "" {
			qualifiers = append(qualifiers, key+"="+escape(value))
		}
	}
	add("arch", p.Arch)
	add("distro", distro)
	if p.Epoch != 0 {
		add("epoch", fmt.Sprint(p.Epoch))
	}
	if kind == "rpm" {
		add("modularitylabel", p.Modularity)
	}
	return fmt.Sprintf("pkg:%s/%s/%s@%s?%s", kind, namespace, escape(name), escape(VersionOf(0, p.Version, p.Release)), strings.Join(qualifiers, "&"))
}

// escape leaves the letters that package URLs leave.
func escape(s string) string {
	return strings.NewReplacer("+", "%20", "%3A", ":", "%2B", "%2B").Replace(url.QueryEscape(s))
}
