// Package crossing is a crossing as those who are told of it read it: a record of the topic, as a
// binary or a structured CloudEvent.
package crossing
