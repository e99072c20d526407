// Command plot draws the TSV files of a benchmark's curves, each into an SVG file beside it:
//
//	plot bench/figures/*.tsv
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/seed-afe14ff2/aggregator/bench/chart"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: plot FILE.tsv...")
		os.Exit(2)
	}
	for _, file := range os.Args[1:] {
		if err := plot(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// plot draws one file.
func plot(file string) error {
	name, ok := strings.CutSuffix(file, ".tsv")
	if !ok {
		return fmt.Errorf("plot %s: its name does not end in .tsv", file)
	}
	from, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	defer from.Close()
	c, err := chart.Read(from)
	if err != nil {
		return fmt.Errorf("plot %s: %w", file, err)
	}
	svg, err := c.SVG()
	if err != nil {
		return fmt.Errorf("plot %s: %w", file, err)
	}
	if err := os.WriteFile(name+".svg", []byte(svg), 0o644); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}
