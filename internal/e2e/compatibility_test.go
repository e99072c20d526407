package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/internal/servers"
)

var (
	commandRow = regexp.MustCompile("(?m)^\\| `([A-Z ]+)` \\| ([0-9.]+) \\|")
	aclCommand = regexp.MustCompile(`\+([a-z]+(?:\|slots|\|get)?)\b`)
)

// TestCompatibilityCommands: the table of Redis' commands in docs/compatibility.md has those that the smallest ACL of
// docs/security.md allows, each with the version that Redis itself says it is there since.
func TestCompatibilityCommands(t *testing.T) {
	redis := servers.Redis(t, servers.RedisOptions{})
	_, port, _ := strings.Cut(redis.Addr(), ":")
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range commandRow.FindAllStringSubmatch(string(page), -1) {
		rows[strings.ReplaceAll(strings.ToLower(m[1]), " ", "|")] = m[2]
	}
	allowed := map[string]bool{"cluster|slots": true}
	for _, m := range aclCommand.FindAllStringSubmatch(pageBlock(t, "redis"), -1) {
		allowed[m[1]] = true
	}
	if got, want := slices.Sorted(maps.Keys(rows)), slices.Sorted(maps.Keys(allowed)); !slices.Equal(got, want) {
		t.Errorf("the table has %v, the ACL %v", got, want)
	}
	for name, since := range rows {
		out, err := exec.Command("redis-cli", "-p", port, "--json", "COMMAND", "DOCS", name).Output()
		var docs map[string]struct{ Since string }
		if err == nil {
			err = json.Unmarshal(out, &docs)
		}
		if base, _, _ := strings.Cut(name, "|"); err != nil || docs[name].Since != since && docs[base].Since != since {
			t.Errorf("%s: the table says %s, redis %s (%v)", name, since, out, err)
		}
	}
}
