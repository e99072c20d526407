package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// architectures are those of the image, of Linux.
var architectures = []string{"amd64", "arm64"}

// options say what to build.
type options struct {
	tree              string    // the project's directory
	out               string    // the directory to write to; it is emptied
	tag               string    // the image's name, which docker load gives it and a push needs
	push              bool      // push it, too; false by default
	version, revision string    // of the program, which says them; (devel) and unknown by default
	created           time.Time // the time of everything in the image; 1970 by default
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions()
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func parseOptions() (options, error) {
	var o options
	flag.StringVar(&o.tree, "tree", "../..", "the project's directory")
	flag.StringVar(&o.out, "out", "../../bin/image", "the directory to write to; it is emptied")
	flag.StringVar(&o.tag, "tag", "aggregator:dev", "the image's name")
	flag.BoolVar(&o.push, "push", false, "push the image to its registry, logged in as docker login left it")
	flag.StringVar(&o.version, "version", "(devel)", "the program's version")
	flag.StringVar(&o.revision, "revision", "unknown", "the commit")
	flag.Parse()
	// https://reproducible-builds.org/specs/source-date-epoch/
	var seconds int64
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		var err error
		if seconds, err = strconv.ParseInt(text, 10, 64); err != nil {
			return o, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
	}
	o.created = time.Unix(seconds, 0).UTC()
	return o, nil
}

// run builds, writes and pushes the image.
func run(ctx context.Context, o options) error {
	tag, err := name.NewTag(o.tag)
	if err != nil {
		return fmt.Errorf("tag: %w", err)
	}
	if err := os.RemoveAll(o.out); err != nil {
		return fmt.Errorf("empty the output: %w", err)
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("make the output: %w", err)
	}
	index := emptyIndex()
	for _, arch := range architectures {
		b, err := buildPlatform(ctx, o, arch)
		if err != nil {
			return fmt.Errorf("build linux/%s: %w", arch, err)
		}
		if err := writePlatform(o, tag, b); err != nil {
			return fmt.Errorf("write linux/%s: %w", arch, err)
		}
		index = appendImage(index, b)
	}
	if _, err := layout.Write(filepath.Join(o.out, "oci"), layoutOf(index, tag)); err != nil {
		return fmt.Errorf("write the layout: %w", err)
	}
	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("digest: %w", err)
	}
	fmt.Println(digest)
	if !o.push {
		return nil
	}
	if err := remote.WriteIndex(tag, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("push %s: %w", tag, err)
	}
	fmt.Println("pushed", tag)
	return nil
}

// writePlatform writes what is for one platform alone: its SBOM, and an archive for engines that take no layout.
func writePlatform(o options, tag name.Tag, b built) error {
	base := filepath.Join(o.out, "aggregator-linux-"+b.arch)
	if err := os.WriteFile(base+".cdx.json", b.sbom, 0o644); err != nil {
		return err
	}
	size, err := compressed(b.image)
	if err != nil {
		return err
	}
	fmt.Printf("linux/%s: %.1f MB compressed\n", b.arch, float64(size)/1e6)
	return tarball.WriteToFile(base+".tar", tag, b.image)
}

// layoutOf is the index of a layout: it names the image's own index by its tag.
func layoutOf(index v1.ImageIndex, tag name.Tag) v1.ImageIndex {
	return nameIndex(empty.Index, index, tag.TagStr())
}
