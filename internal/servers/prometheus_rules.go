package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// hastened writes copies of files of rules for which time passes faster.
func hastened(tb testing.TB, dir string, files []string, factor int) (copies []string) {
	tb.Helper()
	duration := regexp.MustCompile(`((?m:^) *for: |\[)(\d+)([smhd])`)
	interval := regexp.MustCompile(`(?m)^( *interval: ).*`)
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		faster := duration.ReplaceAllStringFunc(string(text), func(s string) string {
			m := duration.FindStringSubmatch(s)
			n, err := strconv.Atoi(m[2])
			if err != nil {
				tb.Fatal(err)
			}
			return fmt.Sprintf("%s%dms", m[1], (time.Duration(n) * unit[m[3]] / time.Duration(factor)).Milliseconds())
		})
		faster = interval.ReplaceAllString(faster, "${1}1s")
		copied := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(copied, []byte(faster), 0o600); err != nil {
			tb.Fatal(err)
		}
		copies = append(copies, copied)
	}
	return copies
}
