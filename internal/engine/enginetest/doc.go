// Package enginetest holds what the tests of several packages need of the engine. It has programs
// of packs' texts, a story of events that is drawn, and the comparison of a replay's counts with
// the oracle's.
package enginetest
