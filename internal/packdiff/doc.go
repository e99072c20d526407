// Package packdiff says what a change of rule packs means: which rules come and go, which limits are others, and which counters begin anew.
// It looks at nothing but the packs.
package packdiff
