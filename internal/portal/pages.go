package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
)

//go:embed all:dist
var built embed.FS

//go:embed unbuilt.html
var unbuilt []byte

// indexFile is the page that every address of the portal gets; its script reads the address.
const indexFile = "index.html"

// page is one built file, with its compressed copies.
type page struct {
	file      string
	encodings []encoding // the best first
	etag      string
	mediaType string
}

type encoding struct{ name, file string }

// pages serves the built files.
type pages struct {
	files fs.FS
	known map[string]page
}

// newPages lists the built files. Without any it serves the page that says how to build them.
func newPages(files fs.FS) (*pages, error) {
	p := &pages{files: files, known: map[string]page{}}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name[0] == '.' || isCompressed(name) {
			return err
		}
		found, err := p.describe(name)
		p.known["/"+name] = found
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the portal's files: %w", err)
	}
	return p, nil
}

func isCompressed(name string) bool {
	ext := path.Ext(name)
	return ext == ".br" || ext == ".gz"
}

func (p *pages) describe(name string) (page, error) {
	content, err := fs.ReadFile(p.files, name)
	if err != nil {
		return page{}, fmt.Errorf("read %s: %w", name, err)
	}
	sum := sha256.Sum256(content)
	out := page{file: name, etag: base64.RawURLEncoding.EncodeToString(sum[:12]), mediaType: mediaType(name)}
	for _, e := range []encoding{{"br", name + ".br"}, {"gzip", name + ".gz"}} {
		if _, err := fs.Stat(p.files, e.file); err == nil {
			out.encodings = append(out.encodings, e)
		}
	}
	return out, nil
}

// mediaType does not ask the machine's own tables first: they differ between machines.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// ServeHTTP answers a file by its name and any other address with the index page: which pages there are
// is known to its script. Files that are named by their content may be kept for ever.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "this address can only be read")
		return
	}
	found, ok := p.known[r.URL.Path]
	switch {
	case ok && found.file != indexFile:
		telemetry.SetRoute(r.Context(), "/{file}")
		p.serveFile(w, r, found)
	case strings.HasPrefix(r.URL.Path, "/assets/") || !wantsPage(r):
		writeError(w, http.StatusNotFound, "NOT_FOUND", "there is nothing at this address")
	default:
		telemetry.SetRoute(r.Context(), "/{page}")
		p.serveIndex(w, r)
	}
}

// wantsPage reports whether the client can make something of a page. Browsers say so; a client that asks
// for JSON at an address that does not exist must not take a page for the answer.
func wantsPage(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}

func (p *pages) serveIndex(w http.ResponseWriter, r *http.Request) {
	content := unbuilt
	if index, ok := p.known["/"+indexFile]; ok {
		read, err := fs.ReadFile(p.files, index.file)
		if err != nil {
			writeError(w, http.StatusInternalServerError, "UNKNOWN", "internal server error")
			return
		}
		content = read
	}
	w.Header().Set("Content-Type", mediaType(indexFile))
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func (p *pages) serveFile(w http.ResponseWriter, r *http.Request, found page) {
	h := w.Header()
	name, etag := found.file, found.etag
	if len(found.encodings) > 0 {
		h.Add("Vary", "Accept-Encoding")
		if e, ok := accepted(r, found.encodings); ok {
			name, etag = e.file, etag+"-"+e.name
			h.Set("Content-Encoding", e.name)
		}
	}
	content, err := p.open(name)
	if err != nil {
		h.Del("Content-Encoding")
		writeError(w, http.StatusInternalServerError, "UNKNOWN", "internal server error")
		return
	}
	h.Set("ETag", `"`+etag+`"`)
	h.Set("Content-Type", found.mediaType)
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(found.file, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

var errNotSeekable = errors.New("file can't be read from the middle")

func (p *pages) open(name string) (io.ReadSeeker, error) {
	f, err := p.files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	seeker, ok := f.(io.ReadSeeker)
	if !ok {
		return nil, fmt.Errorf("open %s: %w", name, errNotSeekable)
	}
	return seeker, nil
}

// accepted picks the first encoding that the client takes. A weight of zero refuses one.
func accepted(r *http.Request, have []encoding) (encoding, bool) {
	takes := map[string]bool{}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight = strings.ReplaceAll(weight, " ", "")
		takes[strings.TrimSpace(name)] = strings.Trim(weight, "q=0.") != "" || weight == ""
	}
	for _, e := range have {
		if takes[e.name] {
			return e, true
		}
	}
	return encoding{}, false
}
