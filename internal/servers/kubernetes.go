package servers

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// KubernetesVersion is the version of Kubernetes that the manifests are tried on, as it stands in the
// Makefile and in tools/kube/go.mod.
const KubernetesVersion = "v1.37.2"

// KubernetesServer is one kube-apiserver on a loopback port, with an etcd of its own. Nothing runs what it is
// told to run: it has no controllers, no nodes.
type KubernetesServer struct {
	*Server
	programs string // the directory of kube-apiserver and kubectl
}

// token is what kubectl shows the server to be let in; the server listens on loopback and lives as long as a test.
const token = "administrator"

// Kubernetes starts a kube-apiserver that admits what a cluster would, Pod Security included. It ends with the test.
func Kubernetes(tb testing.TB) *KubernetesServer {
	tb.Helper()
	programs, err := kubernetesPrograms()
	Need(tb, err, "make check-deploy")
	Require(tb, "etcd")
	store := etcd(tb)
	var k *KubernetesServer
	err = retryPorts(1, func(ports []int) error {
		k = newKubernetes(tb, programs, loopback(ports[0]), store.addr)
		return k.proc.run()
	})
	if err != nil {
		tb.Fatal(err)
	}
	k.own()
	return k
}

// kubernetesPrograms returns the directory where make check-deploy puts what it builds: $KUBERNETES, otherwise one in
// the user's cache directory.
func kubernetesPrograms() (string, error) {
	dir := os.Getenv("KUBERNETES")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find kubernetes: %w", err)
		}
		dir = filepath.Join(cache, "aggregator", "kubernetes-"+KubernetesVersion)
	}
	for _, name := range []string{"kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("find kubernetes: %w", err)
		}
	}
	return dir, nil
}

// etcd starts the store of a kube-apiserver, which needs no disk that holds.
func etcd(tb testing.TB) *Server {
	var s *Server
	err := retryPorts(2, func(ports []int) error {
		s = &Server{tb: tb, addr: loopback(ports[0])}
		peer := "http://" + loopback(ports[1])
		s.proc = &process{
			name: "etcd " + s.addr,
			dir:  tb.TempDir(),
			command: func() *exec.Cmd {
				return exec.Command("etcd", "--data-dir=data", "--unsafe-no-fsync",
					"--listen-client-urls=http://"+s.addr, "--advertise-client-urls=http://"+s.addr,
					"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
			},
			ready: s.healthy,
		}
		return s.proc.run()
	})
	if err != nil {
		tb.Fatal(err)
	}
	s.own()
	return s
}

// healthy is nil once an etcd answers.
func (s *Server) healthy(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/health", nil)
	if err != nil {
		return err
	}
	req.Close = true // nothing is left open after a test
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("etcd: %s", res.Status)
	}
	return nil
}

// newKubernetes describes a kube-apiserver that is not started yet.
func newKubernetes(tb testing.TB, programs, addr, store string) *KubernetesServer {
	k := &KubernetesServer{&Server{tb: tb, addr: addr}, programs}
	dir := tb.TempDir()
	for name, text := range map[string]string{
		"accounts.key": accountsKey(tb),
		"tokens.csv":   token + `,admin,admin,"system:masters"` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	k.proc = &process{
		name:    "kube-apiserver " + addr,
		dir:     dir,
		command: func() *exec.Cmd { return exec.Command(filepath.Join(programs, "kube-apiserver"), k.args(store)...) },
		ready: func(ctx context.Context) error {
			_, err := k.kubectl(ctx, "", "get", "--raw", "/readyz")
			return err
		},
	}
	return k
}

func (k *KubernetesServer) args(store string) []string {
	host, port, _ := strings.Cut(k.addr, ":")
	return []string{
		"--etcd-servers=http://" + store, "--bind-address=" + host, "--secure-port=" + port, "--cert-dir=certificates",
		"--token-auth-file=tokens.csv", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=accounts.key", "--service-account-signing-key-file=accounts.key",
		// It may not name a loopback address as its own, and nobody asks.
		"--endpoint-reconciler-type=none",
		// No controller makes the account that this plugin wants each pod to have.
		"--disable-admission-plugins=ServiceAccount",
	}
}

// accountsKey is a key for tokens that nobody asks for, but the server does not start without.
func accountsKey(tb testing.TB) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// Definitions is the directory of the custom resources that scripts/kubernetes gets.
func (k *KubernetesServer) Definitions() string { return filepath.Join(k.programs, "definitions") }

// Kubectl runs one kubectl with stdin, as administrator, and returns what it prints. What it warns of is printed, too.
func (k *KubernetesServer) Kubectl(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*commandLimit)
	defer cancel()
	return k.kubectl(ctx, stdin, args...)
}

func (k *KubernetesServer) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	access := []string{
		"--server=https://" + k.addr, "--token=" + token, "--insecure-skip-tls-verify",
		"--kubeconfig=/dev/null", "--cache-dir=" + filepath.Join(k.proc.dir, "cache"),
	}
	cmd := exec.CommandContext(ctx, filepath.Join(k.programs, "kubectl"), append(access, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
