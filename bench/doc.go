// Package bench measures the whole program beside a floor: the same records
// fetched, decoded, freed of duplicates and counted into maps, with no store.
// Figures and how to take them are in README.md. It needs Linux.
package bench
