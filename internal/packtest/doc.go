// Package packtest runs the tests that packs carry: events in, and the crossings that they must
// give. The events are counted by the code of the service, in memory.
package packtest
