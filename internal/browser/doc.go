// Package browser tests the board in a real Chromium: every page, light and dark, on small screens and large ones, with the keyboard
// alone. It is tests only.
//
// Tests of states that are hard to come by have a fake API behind the board's real pages. The fake's answers are held against the
// description of the API. The others have the built program on real servers.
//
// On every page that a test sees, axe-core finds no fault of WCAG 2.2 AA, the console has no error, and nothing is asked of another
// host. Screenshots are written to the directory that $SCREENSHOTS names.
package browser
