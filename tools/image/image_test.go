package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/x509"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// largest is what an image may take in a registry.
const largest = 20_000_000

// dir is the image of this tree, built once for all tests but those that build it otherwise.
var dir string

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "image-"); err == nil {
		err = run(context.Background(), testOptions(dir))
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir) // in the system's temporary directory, which is emptied anyhow
	os.Exit(code)
}

// testOptions say what the tests build.
func testOptions(out string) options {
	return options{
		tree: "../..", out: filepath.Join(out, "image"), tag: "aggregator:dev",
		version: "v1.2.3", revision: "0123456", created: time.Unix(1_700_000_000, 0).UTC(),
	}
}

// indexOf reads the image of a directory as an engine would: the one index that the layout names.
func indexOf(t *testing.T, out string) v1.ImageIndex {
	t.Helper()
	outer, err := layout.ImageIndexFromPath(filepath.Join(out, "image/oci"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("the layout: %+v, %v", manifest, err)
	}
	inner, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return inner
}

// imagesOf are the images of an index, by architecture.
func imagesOf(t *testing.T, index v1.ImageIndex) map[string]v1.Image {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]v1.Image{}
	for _, d := range manifest.Manifests {
		if images[d.Platform.Architecture], err = index.Image(d.Digest); err != nil {
			t.Fatal(err)
		}
	}
	return images
}

// unpack writes the files of an image into a new directory, with their modes, and returns it.
func unpack(t *testing.T, image v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	text := mutate.Extract(image)
	defer text.Close()
	for r := tar.NewReader(text); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path, mode := filepath.Join(dir, h.Name), fs.FileMode(h.Mode)
		if h.Uid != 0 || h.Gid != 0 || mode&0o022 != 0 {
			t.Errorf("%s belongs to %d:%d, mode %o: want root's, and nobody else to write it", h.Name, h.Uid, h.Gid, h.Mode)
		}
		if h.Typeflag == tar.TypeDir {
			err = os.Mkdir(path, mode)
		} else {
			err = writeFile(path, mode, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func writeFile(path string, mode fs.FileMode, from io.Reader) error {
	text, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, mode)
}

// TestSameTwice: another build has the same digest, whatever the environment says.
func TestSameTwice(t *testing.T) {
	t.Setenv("GOFLAGS", "-tags=faultpoints")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("TMPDIR", t.TempDir())
	o := testOptions(t.TempDir())
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	first, err1 := indexOf(t, dir).Digest()
	second, err2 := indexOf(t, filepath.Dir(o.out)).Digest()
	if first != second || err1 != nil || err2 != nil {
		t.Errorf("%v, then %v: %v %v", first, second, err1, err2)
	}
}

// TestImage checks what is in the image of each platform, and how large it is.
func TestImage(t *testing.T) {
	images := imagesOf(t, indexOf(t, dir))
	if len(images) != 2 {
		t.Errorf("%d platforms, want 2", len(images))
	}
	f := func(arch string, machine elf.Machine) {
		t.Helper()
		image := images[arch]
		size, err := compressed(image)
		if err != nil || size >= largest {
			t.Errorf("%s: %d bytes, want fewer than %d: %v", arch, size, largest, err)
		}
		root := unpack(t, image)
		if got, want := tree(t, root), []string{"LICENSE", "NOTICE", "aggregator", "etc/ssl/certs/ca-certificates.crt", "sbom.cdx.json"}; !slices.Equal(got, want) {
			t.Errorf("%s: files %q, want %q", arch, got, want)
		}
		checkProgram(t, filepath.Join(root, "aggregator"), machine)
		checkBill(t, root, filepath.Join(dir, "image", "aggregator-linux-"+arch+".cdx.json"))
		checkAuthorities(t, root)
		checkDockerfile(t, image)
		archive, err := tarball.ImageFromPath(filepath.Join(dir, "image", "aggregator-linux-"+arch+".tar"), nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := archive.ConfigName()
		b, err2 := image.ConfigName()
		if a != b || err1 != nil || err2 != nil {
			t.Errorf("%s: the archive is of image %v, the layout of %v: %v %v", arch, a, b, err1, err2)
		}
	}
	f("amd64", elf.EM_X86_64)
	f("arm64", elf.EM_AARCH64)
}

// tree are the files below a directory.
func tree(t *testing.T, root string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// checkProgram: the program is static and for its machine.
func checkProgram(t *testing.T, path string, machine elf.Machine) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if program.Machine != machine {
		t.Errorf("the program is for %v, want %v", program.Machine, machine)
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program is not static: %v", p.Type)
		}
	}
}

// checkBill: the bill has each module of which code is in the program, in the image and beside it.
func checkBill(t *testing.T, root, beside string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "sbom.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	if other, err := os.ReadFile(beside); err != nil || !bytes.Equal(text, other) {
		t.Errorf("the bill beside the image is another one: %v", err)
	}
	var bill cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bill); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range *bill.Components {
		got = append(got, c.PackageURL)
	}
	info, err := buildinfo.ReadFile(filepath.Join(root, "aggregator"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}
	for _, m := range info.Deps {
		want = append(want, "pkg:golang/"+m.Path+"@"+m.Version)
	}
	if !slices.Equal(got, want) || len(want) < 10 || bill.Metadata.Component.Version != "v1.2.3" {
		t.Errorf("bill of %s: got %q, want %q", bill.Metadata.Component.Version, got, want)
	}
}

// checkAuthorities: the program would find the certificates where Go looks for them.
func checkAuthorities(t *testing.T, root string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("BEGIN CERTIFICATE")); n < 80 || !x509.NewCertPool().AppendCertsFromPEM(text) {
		t.Errorf("%d certificates, or bad ones", n)
	}
}

// checkDockerfile: an engine does the same with this image as with that of the Dockerfile.
func checkDockerfile(t *testing.T, image v1.Image) {
	t.Helper()
	made, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	c := made.Config
	for _, want := range []string{
		"USER " + c.User,
		fmt.Sprintf(`ENTRYPOINT ["%s"]`, strings.Join(c.Entrypoint, `", "`)),
		fmt.Sprintf(`CMD ["%s"]`, strings.Join(c.Cmd, `", "`)),
	} {
		if !strings.Contains(string(text), "\n"+want+"\n") {
			t.Errorf("the Dockerfile has no line %s", want)
		}
	}
	if _, listens := c.ExposedPorts[port+"/tcp"]; !listens || !strings.Contains(string(text), "\nEXPOSE "+port+"\n") {
		t.Errorf("ports: %v", c.ExposedPorts)
	}
	if c.User != "65532:65532" || c.Labels["org.opencontainers.image.version"] != "v1.2.3" {
		t.Errorf("config %+v", c)
	}
}

// TestPush: what a registry gives back is what was built.
func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	o := testOptions(t.TempDir())
	o.tag, o.push = strings.TrimPrefix(server.URL, "http://")+"/aggregator:v1.2.3", true
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(o.tag)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Index(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(got); err != nil {
		t.Error(err)
	}
	digest, err1 := got.Digest()
	want, err2 := indexOf(t, dir).Digest()
	if digest != want || err1 != nil || err2 != nil {
		t.Errorf("the registry has %v, want %v: %v %v", digest, want, err1, err2)
	}
}

// inside runs the program of an unpacked image as Kubernetes would: alone in that file system, which is mounted read
// only, as the image's user. Its arguments are that directory and the command.
const inside = `set -eu
root=$1; shift
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
if touch "$root/x" 2>/dev/null; then echo "the root can be written to" >&2; exit 99; fi
exec chroot --userspec ` + user + ` "$root" "$@"`

// TestRun runs the program from its root file system.
func TestRun(t *testing.T) {
	root := unpack(t, imagesOf(t, indexOf(t, dir))["amd64"])
	config := filepath.Join(root, "etc/aggregator")
	if err := os.Mkdir(config, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string, mode fs.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(config, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	base, err := os.ReadFile("../../deploy/k8s/base/aggregator.yaml")
	if err != nil {
		t.Fatal(err)
	}
	put("aggregator.yaml", string(base), 0o644)
	put("secret", "hunter2hunter2hunter2", 0o400)
	put("secret.yaml", "redis: {password_file: secret}\n", 0o644)
	f := func(good bool, want string, args ...string) {
		t.Helper()
		args = append([]string{"-m", "sh", "-c", inside, "sh", root, entrypoint}, args...)
		cmd := exec.CommandContext(t.Context(), "unshare", args...)
		if os.Geteuid() != 0 {
			cmd = exec.CommandContext(t.Context(), "sudo", append([]string{"-n", "unshare"}, args...)...)
		}
		out, err := cmd.CombinedOutput()
		if (err == nil) != good || !strings.Contains(string(out), want) {
			t.Errorf("%q: got %v and %q, want %q", args[7:], err, out, want)
		}
	}
	f(true, "aggregator v1.2.3 0123456 go", "version")
	f(true, "", "check", "-config", "/etc/aggregator/aggregator.yaml")
	// It is not root: of a secret that root alone may read it sees nothing.
	f(false, "permission denied", "check", "-config", "/etc/aggregator/secret.yaml")
}
