package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// file is a file of a layer.
type file struct {
	name string // without the slash at the front
	mode int64
	text []byte
}

// baseFiles are the files that do not change with the program.
func baseFiles(tree string) ([]file, error) {
	files := []file{{"etc/ssl/certs/ca-certificates.crt", 0o644, authorities()}}
	for _, name := range []string{"LICENSE", "NOTICE"} {
		text, err := os.ReadFile(filepath.Join(tree, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, 0o644, text})
	}
	return files, nil
}

// authorities are the certificates that Mozilla trusts for servers, PEM. Those that it trusts with a reservation
// are left out, since a file of certificates cannot say it.
func authorities() []byte {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // to memory
		}
	}
	return text.Bytes()
}

// appendFiles adds a layer of files to an image.
func appendFiles(image v1.Image, files []file, created time.Time) (v1.Image, error) {
	text, err := archive(files, created)
	if err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	return mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: created}}})
}

// archive is a tar of files that root owns, with the directories they need.
func archive(files []file, created time.Time) ([]byte, error) {
	var text bytes.Buffer
	w, made := tar.NewWriter(&text), map[string]bool{".": true}
	for _, f := range files {
		if err := writeDirs(w, filepath.Dir(f.name), created, made); err != nil {
			return nil, err
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.text)), ModTime: created}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return text.Bytes(), err
}

// writeDirs writes a directory and those above it, each once.
func writeDirs(w *tar.Writer, dir string, created time.Time, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	made[dir] = true
	if err := writeDirs(w, filepath.Dir(dir), created, made); err != nil {
		return err
	}
	return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: created})
}
