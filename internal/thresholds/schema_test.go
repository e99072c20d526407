package thresholds

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-afe14ff2/aggregator/api/apitest"
)

// schemaOf is what the schema of packs says of a file.
func schemaOf(data []byte) error {
	value, err := apitest.ParseYAML(data)
	if err != nil {
		return err
	}
	return apitest.Pack.Lenient(value)
}

// TestSchemaGood: the schema of packs takes every pack that is one.
func TestSchemaGood(t *testing.T) {
	good := testPacks(t, "testdata/good")
	maps.Copy(good, testPacks(t, "packs"))
	for path, data := range good {
		if err := schemaOf(data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// beyondSchema are faults that a schema cannot say, each with the packs of testdata/bad that have no other.
var beyondSchema = map[string][]string{
	"a name that another part of the file has, or must have": {
		"after_chain", "after_circle", "after_distinct", "after_itself", "after_unknown", "limits_unknown_measure", "rule_id_twice", "tests_crossing_rule",
		"tests_name_twice",
	},
	"levels by what is beside them": {
		"clear_above_lowest", "clear_default_levels", "combine_at_least_three_of_two", "follow_levels", "levels_not_rising", "levels_same_whole_number",
		"levels_same_whole_number_above", "levels_unreachable_all_window", "levels_unreachable_distinct", "levels_unreachable_ratio",
		"levels_unreachable_sum", "limit_above_max_members", "limit_of_own_kind",
	},
	"arithmetic with durations and times": {
		"step_does_not_divide", "step_does_not_divide_minutes", "step_longer", "step_prime_window", "step_too_fine", "step_too_fine_seconds",
		"tests_crossing_order", "tests_event_leaves_time", "tests_too_many_events", "window_long",
	},
	"how a number is written: to YAML 010 is 10, and 1e3 is 1000": {
		"levels_exponent", "levels_leading_zero", "limit_exponent", "limit_fraction", "limit_leading_zero", "limit_leading_zero_no_octal", "limit_plus",
	},
	"decimals: what editors calculate with are binary fractions, of which 0.3 is no multiple of 0.0001": {"clear_decimals", "levels_five_decimals"},
	"tags, which say what a value is": {"file_tags"},
}

// TestSchemaBad: the schema of packs refuses what Parse refuses, except for what it cannot say; and it takes what Parse only
// warns of.
func TestSchemaBad(t *testing.T) {
	bad := testPacks(t, "testdata/bad")
	beyond := map[string]string{}
	for why, names := range beyondSchema {
		for _, name := range names {
			if beyond[name] != "" || bad["testdata/bad/"+name+".yaml"] == nil {
				t.Errorf("%s is there twice, or is no pack", name)
			}
			beyond[name] = why
		}
	}
	refused := 0
	for _, path := range slices.Sorted(maps.Keys(bad)) {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		err := schemaOf(bad[path])
		if err != nil {
			refused++
		}
		if takes := beyond[name] != "" || strings.HasPrefix(name, "warning_"); takes != (err == nil) {
			t.Errorf("%s: the schema says %v, want that it refuses: %v", name, err, !takes)
		}
	}
	if refused < 150 {
		t.Errorf("the schema refuses %d packs", refused)
	}
}
