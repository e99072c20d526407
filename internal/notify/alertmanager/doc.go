// Package alertmanager tells Alertmanager of crossings, by its API v2.
//
// Alertmanager keeps alerts in memory, and ends one that nobody sends again. So a Sink keeps what goes
// on, and sends it every minute: a level fires for a time after it was crossed, a clear ends all levels
// of its episode. A process that starts is given what it needs for that from the topic (Restore).
//
// The API takes the last word on an alert as the truth, and would have one fire again that was
// cleared just now. So what is sent again and what is new are never under way at once.
package alertmanager
