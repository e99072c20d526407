// What keeps a page fresh: the stream, questions that are asked again and again, and the states in which there is no answer.
import { h, put, say } from "./dom.js";
import { clockText } from "./format.js";
import { Stream } from "./stream.js";

const soon = 2000; // ms until a question that had no answer is asked again

// Live is the life of a page. It rests while it is paused, and while nobody sees the page: a browser has few connections to a server.
export class Live {
  constructor({ banner, state, pauseButton, refused }) {
    Object.assign(this, { banner, state, pauseButton, refused });
    this.listeners = { status: [], crossing: [], gap: [], problem: [], stale: [] };
    this.questions = [];
    this.faults = new Map(); // what is not answered now, by who asked
    this.unready = []; // what the probe says that is missing
    this.asOf = "no answer yet";
    this.shown = "";
    this.paused = false;
    this.connection = "connecting";
    this.stream = new Stream({
      event: (name, data) => this.tellAll(name, data),
      state: (text) => this.connected(text),
      refused: (problem) => this.refuse(problem),
    });
    this.on("status", (s) => {
      this.asOf = `as of ${clockText(s.now)}`;
      this.fault("status", null);
    });
    this.on("problem", (p) => this.fault("status", p));
    pauseButton.addEventListener("click", () => this.pause(!this.paused));
    document.addEventListener("visibilitychange", () => this.look());
  }

  // on listens to events of the stream, and to "stale": since when what is shown is old, "" once it is not.
  on(name, f) {
    this.listeners[name].push(f);
  }

  // tellAll tells those who listen.
  tellAll(name, data) {
    this.listeners[name]?.forEach((f) => f(data));
  }

  // every asks now, and again some ms after each answer.
  every(ms, f) {
    const question = { ms, f, timer: 0, asking: false };
    this.questions.push(question);
    if (this.running) this.ask(question);
    return () => this.ask(question);
  }

  look() {
    const run = !this.paused && !document.hidden && !this.denied;
    if (run !== this.running) {
      this.running = run;
      if (run) {
        this.stream.start();
        this.questions.forEach((q) => this.ask(q));
      } else {
        this.stream.stop();
        this.questions.forEach((q) => clearTimeout(q.timer));
      }
    }
    this.tell();
  }

  pause(paused) {
    this.paused = paused;
    this.pauseButton.setAttribute("aria-pressed", String(paused));
    this.look();
  }

  async ask(question) {
    clearTimeout(question.timer);
    if (question.asking) return void (question.again = true);
    question.asking = true;
    try {
      await question.f();
      this.fault(question, null);
    } catch (error) {
      if (error.status === 401) return this.refuse(error);
      if (error.status === undefined) reportError(error);
      else this.fault(question, error);
    } finally {
      question.asking = false;
    }
    if (question.again) {
      question.again = false;
      return this.ask(question);
    }
    if (this.running) question.timer = setTimeout(() => this.ask(question), this.faults.has(question) ? Math.min(soon, question.ms) : question.ms);
  }

  refuse(problem) {
    this.denied = true;
    this.look();
    this.refused(problem);
  }

  connected(text) {
    this.connection = text;
    this.tell();
  }

  tell() {
    const text = this.denied ? "Locked" : this.paused ? "Paused" : this.connection === "away" ? "Reconnecting" : this.connection !== "live" ? "Connecting" : this.shown ? `Data ${this.asOf}` : "Live";
    say(this.state, text);
    this.state.classList.toggle("live", text === "Live");
    say(this.pauseButton, this.paused ? "Resume" : "Pause");
  }

  // fault notes that somebody has no answer, or has one again.
  fault(who, problem) {
    if (problem) this.faults.set(who, problem);
    else this.faults.delete(who);
    this.warn();
  }

  // missing notes what the probe says that is not there: an answer names the first server that was missed alone.
  missing(checks) {
    this.unready = checks.filter((c) => /^(redis|kafka):/.test(c));
    this.warn();
  }

  warn() {
    const all = [...this.faults.values()].sort((a, b) => a.status - b.status);
    const worst = all[0];
    const details = [...all.map((p) => p.detail ?? p.message), ...this.unready];
    document.body.classList.toggle("stale", Boolean(worst));
    const text = worst ? explain(worst, details) : "";
    if (this.shown === text) return;
    this.shown = text;
    put(this.banner, worst && h("p", h("strong", text), " ", aside(worst)));
    this.tell();
    this.tellAll("stale", worst ? this.asOf : "");
  }
}

// explain is what a missing answer means to who looks at the page.
function explain(problem, details) {
  switch (problem.status) {
    case 0:
      return "The program does not answer.";
    case 503:
      return away(details);
  }
  return `The program refused to answer: ${details[0]}.`;
}

function away(details) {
  const redis = details.filter((d) => /redis|shard/i.test(d)); // which alone has shards
  const kafka = details.some((d) => !redis.includes(d) && /kafka|broker|topic/i.test(d));
  if (redis.length > 0) return kafka ? "Redis and Kafka are away." : "Redis is away.";
  return kafka ? "Kafka is away." : "Redis or Kafka is away.";
}

function aside(problem) {
  if (problem.status === 0) return "The page tries again by itself; what it shows is as it was.";
  if (problem.status !== 503) return "";
  return ["Counting waits and loses nothing. What the page shows is as it was; it goes on by itself. ", h("small", problem.detail ?? problem.message)];
}
