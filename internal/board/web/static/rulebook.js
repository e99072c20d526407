// The rules in force, by their ids: what rows and crossings name.
import { getAll } from "./api.js";

const knownFor = 30_000; // ms

// Rulebook asks for the rules at most twice a minute.
export class Rulebook {
  constructor() {
    this.byID = new Map();
    this.read = 0;
  }

  // load makes sure that the rules are known, and not old.
  async load() {
    if (Date.now() - this.read < knownFor) return;
    const items = await getAll("rules");
    this.byID = new Map(items.map((r) => [r.rule, r]));
    this.read = Date.now();
  }

  all() {
    return [...this.byID.values()];
  }

  title(id) {
    return this.byID.get(id)?.title || id;
  }

  // levels of a rule; a rule that is gone has none.
  levels(id) {
    return this.byID.get(id)?.levels ?? [1];
  }
}
