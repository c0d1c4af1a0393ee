package main

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what dpkg --verify compares files with, and no more
	"fmt"
	"io"
	"strings"
	"time"
)

// deb writes the Debian package of a platform (deb(5)).
func (r *release) deb(p program) error {
	files, err := r.installed(p)
	if err != nil {
		return err
	}
	control := []entry{{path: "control", mode: 0o644, content: r.debControl(p.platform, files)}}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		content, err := r.read("deploy/packages/deb/" + script)
		if err != nil {
			return err
		}
		control = append(control, entry{path: script, mode: 0o755, content: content})
	}
	var sums, settings strings.Builder
	for _, e := range tree(files) {
		switch {
		case e.mode.IsDir():
		case e.setting:
			fmt.Fprintf(&settings, "/%s\n", e.path)
		default:
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(e.content), e.path) //nolint:gosec // as above
		}
	}
	control = append(control, entry{path: "md5sums", mode: 0o644, content: []byte(sums.String())},
		entry{path: "conffiles", mode: 0o644, content: []byte(settings.String())})
	var b bytes.Buffer
	if err := writeDeb(&b, control, files, r.version.at); err != nil {
		return fmt.Errorf("deb: %w", err)
	}
	return r.write(fmt.Sprintf("haven_%s_%s.deb", r.version.packaged(), p.platform.deb), b.Bytes())
}

// debControl is the file "control" (deb-control(5)).
func (r *release) debControl(p platform, files []entry) []byte {
	var size int64
	for _, e := range files {
		size += int64(len(e.content))
	}
	return fmt.Appendf(nil, `Package: haven
Version: %s
Architecture: %s
Maintainer: %s <noreply@github.com>
Installed-Size: %d
Depends: passwd
Recommends: ca-certificates
Section: net
Priority: optional
Homepage: %s
Description: %s
 %s
`, r.version.packaged(), p.deb, vendor, (size+1023)/1024, home, summary, about)
}

// writeDeb writes an archive of two archives.
func writeDeb(w io.Writer, control, files []entry, at time.Time) error {
	members := []struct {
		name    string
		content []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar.gz", nil}, {"data.tar.gz", nil}}
	for i, entries := range [][]entry{control, files} {
		var b bytes.Buffer
		// dpkg wants the folder itself in the archives, and names that begin with it.
		all := append([]entry{folder(".", 0o755)}, tree(entries)...)
		if err := writeTarGzip(&b, "", dotted(all), at); err != nil {
			return err
		}
		members[i+1].content = b.Bytes()
	}
	if _, err := io.WriteString(w, "!<arch>\n"); err != nil {
		return err
	}
	for _, m := range members {
		header := fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, at.Unix(), 0, 0, "100644", len(m.content))
		if len(m.content)%2 == 1 {
			m.content = append(m.content, '\n')
		}
		if _, err := io.WriteString(w, header); err != nil {
			return err
		}
		if _, err := w.Write(m.content); err != nil {
			return err
		}
	}
	return nil
}

func dotted(entries []entry) []entry {
	for i, e := range entries {
		if e.path != "." {
			entries[i].path = "./" + e.path
		}
	}
	return entries
}
