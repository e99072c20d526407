package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// AlertmanagerServer is one Alertmanager on a loopback port.
type AlertmanagerServer struct{ *Server }

// Alertmanager starts one, which tells a webhook of what fires and what is resolved. It ends with the test. Its alerts are in memory: a
// Restart loses them.
func Alertmanager(tb testing.TB, webhook string) *AlertmanagerServer {
	tb.Helper()
	Require(tb, "prometheus-alertmanager")
	var a *AlertmanagerServer
	err := retryPorts(1, func(ports []int) error {
		a = newAlertmanager(tb, ports[0], webhook)
		return a.proc.run()
	})
	if err != nil {
		tb.Fatal(err)
	}
	a.own()
	return a
}

func newAlertmanager(tb testing.TB, port int, webhook string) *AlertmanagerServer {
	a := &AlertmanagerServer{&Server{tb: tb, addr: loopback(port)}}
	dir := tb.TempDir()
	config := fmt.Sprintf(`{"route": {"receiver": "test", "group_by": ["..."], "group_wait": "1s", "group_interval": "1s"},
"receivers": [{"name": "test", "webhook_configs": [{"url": %q, "send_resolved": true}]}]}`, webhook) // which is YAML too
	if err := os.WriteFile(filepath.Join(dir, "am.yml"), []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
	a.proc = &process{
		name: "alertmanager " + a.addr,
		dir:  dir,
		command: func() *exec.Cmd {
			return exec.Command("prometheus-alertmanager", "--config.file=am.yml", "--storage.path=data",
				"--web.listen-address="+a.addr, "--cluster.listen-address=", "--log.level=warn")
		},
		ready: func(ctx context.Context) error {
			_, err := a.alerts(ctx)
			return err
		},
	}
	return a
}

// Alert is what Alertmanager says of an alert.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// Firing are the alerts that fire, each as the values of some labels, sorted.
func (a *AlertmanagerServer) Firing(labels ...string) (list []string) {
	a.tb.Helper()
	alerts, err := a.alerts(a.tb.Context())
	if err != nil {
		return nil // it does not answer
	}
	for _, x := range alerts {
		var values []string
		for _, l := range labels {
			values = append(values, x.Labels[l])
		}
		list = append(list, strings.Join(values, " "))
	}
	slices.Sort(list)
	return list
}

func (a *AlertmanagerServer) alerts(ctx context.Context) (list []Alert, err error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.addr+"/api/v2/alerts?active=true", nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // nothing is left open after a test
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("alertmanager: %s", res.Status)
	}
	return list, json.NewDecoder(res.Body).Decode(&list)
}
