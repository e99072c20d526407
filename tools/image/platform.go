package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// user is no user of any machine, and owns no file of the image. The manifests name the same one.
	user       = "65532:65532"
	entrypoint = "/aggregator"
	port       = "8080"
	title      = "aggregator"
)

var command = []string{"run", "-config", "/etc/aggregator/aggregator.yaml"}

// built is the image of one platform.
type built struct {
	arch  string
	image v1.Image
	sbom  []byte // CycloneDX, which is in the image, too
}

// buildPlatform compiles the program and puts it into an image.
func buildPlatform(ctx context.Context, o options, arch string) (built, error) {
	program, err := compile(ctx, o, arch)
	if err != nil {
		return built{}, err
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return built{}, err
	}
	sbom, err := billOf(info, o.version)
	if err != nil {
		return built{}, fmt.Errorf("sbom: %w", err)
	}
	base, err := baseFiles(o.tree)
	if err != nil {
		return built{}, err
	}
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	// What changes rarely is a layer of its own, so that a new version shares it with the one before.
	for _, files := range [][]file{base, {
		{"aggregator", 0o755, program},
		{"sbom.cdx.json", 0o644, sbom},
	}} {
		if image, err = appendFiles(image, files, o.created); err != nil {
			return built{}, err
		}
	}
	image, err = mutate.ConfigFile(image, configure(image, o, arch))
	return built{arch, image, sbom}, err
}

// compile returns the program for an architecture. What the environment could change of it is fixed.
func compile(ctx context.Context, o options, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "image-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the system's temporary directory, which is emptied anyhow
	program := filepath.Join(dir, "aggregator")
	link := "-s -w -X main.version=" + o.version + " -X main.revision=" + o.revision
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", link, "-o", program, "./cmd/aggregator")
	cmd.Dir = o.tree
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, out)
	}
	return os.ReadFile(program)
}

// configure returns what an engine does with the image.
func configure(image v1.Image, o options, arch string) *v1.ConfigFile {
	made, err := image.ConfigFile()
	if err != nil {
		panic("BUG: an image that was made here has no config: " + err.Error())
	}
	c := made.DeepCopy()
	c.OS, c.Architecture, c.Created = "linux", arch, v1.Time{Time: o.created}
	c.Config = v1.Config{
		User:         user,
		Entrypoint:   []string{entrypoint},
		Cmd:          command,
		ExposedPorts: map[string]struct{}{port + "/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":    title,
			"org.opencontainers.image.version":  o.version,
			"org.opencontainers.image.revision": o.revision,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return c
}

// emptyIndex is an index of OCI's form.
func emptyIndex() v1.ImageIndex { return mutate.IndexMediaType(empty.Index, types.OCIImageIndex) }

// appendImage adds an image to an index, by its platform.
func appendImage(index v1.ImageIndex, b built) v1.ImageIndex {
	return mutate.AppendManifests(index, mutate.IndexAddendum{
		Add:        b.image,
		Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: b.arch}},
	})
}

// nameIndex adds an index to another one, by a tag.
func nameIndex(outer, inner v1.ImageIndex, tag string) v1.ImageIndex {
	return mutate.AppendManifests(outer, mutate.IndexAddendum{
		Add:        inner,
		Descriptor: v1.Descriptor{Annotations: map[string]string{"org.opencontainers.image.ref.name": tag}},
	})
}

// compressed is how many bytes a registry holds of an image.
func compressed(image v1.Image) (int64, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return 0, err
	}
	size := manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size, nil
}
