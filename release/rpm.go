package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/google/rpmpack"
)

// rpm writes the RPM of a platform.
func (r *release) rpm(p program) error {
	files, err := r.installed(p)
	if err != nil {
		return err
	}
	requires := rpmpack.Relations{}
	for _, name := range []string{"/usr/sbin/useradd", "systemd"} {
		if err := requires.Set(name); err != nil {
			return fmt.Errorf("rpm: %w", err)
		}
	}
	recommends := rpmpack.Relations{}
	if err := recommends.Set("ca-certificates"); err != nil {
		return fmt.Errorf("rpm: %w", err)
	}
	pack, err := rpmpack.NewRPM(rpmpack.RPMMetaData{
		Name: "haven", Summary: summary, Description: about, Version: r.version.packaged(), Release: "1", Arch: p.platform.rpm, OS: "linux",
		Vendor: vendor, URL: home, Licence: "Apache-2.0", BuildHost: "localhost", Compressor: "gzip:6", BuildTime: r.version.at,
		Requires: requires, Recommends: recommends,
	})
	if err != nil {
		return fmt.Errorf("rpm: %w", err)
	}
	for _, e := range tree(files) {
		if e.mode.IsDir() && e.path != "etc/haven" && e.path != "usr/share/doc/haven" {
			continue // the system's
		}
		pack.AddFile(rpmFile(e, uint32(r.version.at.Unix())))
	}
	for script, add := range map[string]func(string){"post": pack.AddPostin, "preun": pack.AddPreun, "postun": pack.AddPostun} {
		text, err := r.read("deploy/packages/rpm/" + script)
		if err != nil {
			return err
		}
		add(string(text))
	}
	var b bytes.Buffer
	if err := pack.Write(&b); err != nil {
		return fmt.Errorf("rpm: %w", err)
	}
	return r.write(fmt.Sprintf("haven-%s-1.%s.rpm", r.version.packaged(), p.platform.rpm), b.Bytes())
}

func rpmFile(e entry, at uint32) rpmpack.RPMFile {
	const folderMode = 0o40000 // of stat(2)
	f := rpmpack.RPMFile{Name: "/" + e.path, Body: e.content, Mode: uint(e.mode.Perm()), Owner: "root", Group: "root", MTime: at}
	switch {
	case e.mode.IsDir():
		f.Mode |= folderMode
	case e.setting:
		f.Type = rpmpack.ConfigFile | rpmpack.NoReplaceFile
	case strings.HasPrefix(e.path, "usr/share/doc/haven/"):
		f.Type = rpmpack.LicenceFile
	}
	return f
}
