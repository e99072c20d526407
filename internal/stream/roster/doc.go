// Package roster lets the processes of a deployment see each other. Each leaves a small record of itself in the store: where
// it runs, and which packs it has. It writes the record again every few seconds, and reads those of the others.
//
// A process lives while its record moves: each has a beat, which rises with each writing. How old a record is nobody asks,
// since the clocks of two hosts may differ, and no look counts that the store did not answer. So nobody is taken for dead
// because Redis was away. A process that stops takes its record with it. What a killed one left is deleted by the others.
//
// Nothing is counted by what stands here. Whoever cannot write or read it goes on, and the error is counted.
package roster
