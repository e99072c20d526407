package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// desk is where somebody works as the pages say: a directory with the program in bin, configs and packs.
type desk struct {
	t    *testing.T
	dir  string
	here *strings.Replacer // what the pages call things, and what they are called here
}

// newDesk is a desk for servers at these addresses. More names, in pairs, are other things that the pages name.
func newDesk(t *testing.T, kafka, redis string, names ...string) *desk {
	t.Helper()
	_, port, _ := strings.Cut(redis, ":")
	d := &desk{t: t, dir: t.TempDir()}
	d.here = strings.NewReplacer(append([]string{"127.0.0.1:19092", kafka, "127.0.0.1:16379", redis, "16379", port, "127.0.0.1:8082", "127.0.0.1:0"}, names...)...)
	if err := os.Mkdir(filepath.Join(d.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(aggregator.Path(t), filepath.Join(d.dir, "bin", "aggregator")); err != nil {
		t.Fatal(err)
	}
	return d
}

// newSiteDesk is a desk for a site, whose config is aggregator.yaml.
func newSiteDesk(s *site, redis string) *desk {
	s.t.Helper()
	d := newDesk(s.t, s.kafka.Addr(), redis,
		"dissemination-events", s.events, "threshold-crossings", s.crossings, "dead-letters-2", s.dead+"-2",
		"aggregator-2:", s.group+"-2:", "aggregator-2", s.group+"-2", "'aggregator:*'", "'"+s.prefix+"*'")
	config, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	d.write("aggregator.yaml", string(config))
	return d
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// do runs a script of a page, which must end well, and returns what it prints.
func (d *desk) do(script string) string {
	d.t.Helper()
	out, err := d.try(script)
	if err != nil {
		d.t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return out
}

// try is do for a script that may fail.
func (d *desk) try(script string) (string, error) {
	cmd := exec.Command("sh", "-e", "-c", d.here.Replace(script))
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustDo runs a block of a page. If its last line starts the service, it is started and returned.
func (d *desk) mustDo(block string) *daemon {
	d.t.Helper()
	script, last := "", strings.TrimSpace(block)
	if i := strings.LastIndexByte(last, '\n'); i >= 0 {
		script, last = last[:i+1], last[i+1:]
	}
	if !strings.HasPrefix(last, "bin/aggregator run ") && last != "bin/aggregator notify -config aggregator.yaml" {
		d.do(block)
		return nil
	}
	d.do(script)
	return d.start(last)
}

// start runs a line that starts the service, and returns when it has started.
func (d *desk) start(line string) *daemon {
	d.t.Helper()
	p := launch(d.t, line, []string{"sh", "-c", "cd '" + d.dir + "' && exec " + d.here.Replace(line)},
		"AGGREGATOR_HTTP_LISTEN=127.0.0.1:0", "AGGREGATOR_LOG_FORMAT=json")
	p.awaitStarted()
	return p
}
