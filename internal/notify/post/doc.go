// Package post sends crossings over HTTP, and says what an answer means: taken, refused for good, or
// to be tried again. It follows no redirect, and reads no more than the beginning of an answer.
package post
