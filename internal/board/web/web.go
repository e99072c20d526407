package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/css"
	"github.com/tdewolff/minify/v2/html"
	"github.com/tdewolff/minify/v2/js"
)

//go:embed static
var files embed.FS

// types are the media types of the files, by the end of their names.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
}

// policy lets a page load what is served here, and nothing else. No text becomes markup or code: there is no trusted type.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// pages are the paths with a page. They are one file: which page it is, its scripts see by the path.
var pages = []string{"/{$}", "/subjects", "/subjects/{by}/{id...}", "/crossings", "/rules", "/health"}

// Register serves the pages, and what they load.
func Register(mux *http.ServeMux) {
	for _, pattern := range pages {
		mux.HandleFunc("GET "+pattern, servePage)
	}
	for name, text := range served() {
		if name != pageFile {
			mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { serve(w, r, path.Ext(name), text) })
		}
	}
}

// depthMost is how many slashes a page's path may have: an id of 256 bytes that are all slashes, and those before it.
const depthMost = 3 + 256

func servePage(w http.ResponseWriter, r *http.Request) {
	at := r.URL.EscapedPath()
	if strings.Count(at, "/") > depthMost {
		http.Error(w, "no page: no id is that long", http.StatusNotFound)
		return
	}
	serve(w, r, ".html", page(at))
}

// pageFile is the page, which stands at paths of its own. It loads scriptFile, which is all of the board's modules, and chartsFile.
const (
	pageFile   = "static/page.html"
	scriptFile = "static/app.js"
	chartsFile = "static/uPlot.iife.min.js"
)

// page is the page as it stands at a path.
func page(escaped string) []byte {
	return bytes.ReplaceAll(served()[pageFile], []byte("{{base}}"), []byte(base(escaped)))
}

// Open reports whether a path is of the board's own: these hold no data, and want no token.
func Open(path string) bool {
	switch path {
	case "/", "/subjects", "/crossings", "/rules", "/health":
		return true
	}
	return strings.HasPrefix(path, "/subjects/") || strings.HasPrefix(path, "/static/")
}

// base leads from a page to where the board begins, so that it can be served below a path by a proxy.
func base(escaped string) string {
	if depth := strings.Count(escaped, "/") - 1; depth > 0 {
		return strings.Repeat("../", depth)
	}
	return "./"
}

// served is the files by name, as they are served: without what only people read.
var served = sync.OnceValue(minified)

func minified() map[string][]byte {
	m := minify.New()
	m.Add(".js", &js.Minifier{})
	m.Add(".css", &css.Minifier{})
	m.Add(".html", &html.Minifier{KeepDocumentTags: true, KeepEndTags: true, KeepQuotes: true})
	all := map[string][]byte{}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		switch kind := path.Ext(name); {
		case err != nil || kind == ".svg":
		case kind == ".js" && name != chartsFile:
			return nil // a module
		default:
			text, err = m.Bytes(kind, text)
		}
		all[name] = text
		return err
	})
	if err == nil {
		all[scriptFile], err = script(m)
	}
	if err != nil {
		panic("BUG: a file of the board: " + err.Error())
	}
	return all
}

// script is the pages' own modules.
func script(m *minify.M) ([]byte, error) {
	text, err := bundle(path.Base(scriptFile), func(name string) (string, error) {
		text, err := files.ReadFile("static/" + name)
		return string(text), err
	})
	if err != nil {
		return nil, err
	}
	return m.Bytes(".js", []byte(text))
}

// serve answers with a file, or says that the browser has it.
func serve(w http.ResponseWriter, r *http.Request, kind string, text []byte) {
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Content-Type", types[kind])
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // paths hold ids
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // a browser asks whether it changed
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(text) // whoever asked has gone
}
