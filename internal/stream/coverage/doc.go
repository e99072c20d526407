// Package coverage knows since when each counter has been kept. A counter that a changed pack
// brought has not seen what came before, and says so (`since`) until its window lies past that.
package coverage
