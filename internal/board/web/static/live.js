// What keeps a page fresh: the stream, questions that are asked again and again, and the states in which there is no answer.
import { h, put, say } from "./dom.js";
import { Stream } from "./stream.js";

// Live is the life of a page. It rests while it is paused, and while nobody sees the page: a browser has few connections to a server.
export class Live {
  constructor({ banner, state, pauseButton, refused }) {
    Object.assign(this, { banner, state, pauseButton, refused });
    this.listeners = { status: [], crossing: [], gap: [], problem: [] };
    this.questions = [];
    this.faults = new Map(); // what is not answered now, by who asked
    this.shown = "";
    this.paused = false;
    this.connection = "connecting";
    this.stream = new Stream({
      event: (name, data) => this.tellAll(name, data),
      state: (text) => this.connected(text),
      refused: (problem) => this.refuse(problem),
    });
    this.on("status", () => this.fault("status", null));
    this.on("problem", (p) => this.fault("status", p));
    pauseButton.addEventListener("click", () => this.pause(!this.paused));
    document.addEventListener("visibilitychange", () => this.look());
  }

  // on listens to events of the stream.
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
    if (this.running) question.timer = setTimeout(() => this.ask(question), question.ms);
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
    const text = this.denied ? "Locked" : this.paused ? "Paused" : this.connection === "live" ? "Live" : this.connection === "away" ? "Reconnecting" : "Connecting";
    say(this.state, text);
    this.state.className = text.toLowerCase();
    say(this.pauseButton, this.paused ? "Resume" : "Pause");
  }

  // fault notes that somebody has no answer, or has one again.
  fault(who, problem) {
    if (problem) this.faults.set(who, problem);
    else this.faults.delete(who);
    const worst = [...this.faults.values()].sort((a, b) => a.status - b.status)[0];
    document.body.classList.toggle("stale", Boolean(worst));
    const text = worst ? explain(worst) : "";
    if (this.shown === text) return;
    this.shown = text;
    put(this.banner, worst && h("p", h("strong", text), " ", aside(worst)));
  }
}

// explain is what a missing answer means to who looks at the page.
function explain(problem) {
  switch (problem.status) {
    case 0:
      return "The program does not answer.";
    case 503:
      return away(problem.detail ?? problem.message);
  }
  return `The program refused to answer: ${problem.detail ?? problem.message}.`;
}

function away(detail) {
  if (/redis|shard/i.test(detail)) return "Redis is away."; // which alone has shards
  return /kafka|broker|topic/i.test(detail) ? "Kafka is away." : "Redis or Kafka is away.";
}

function aside(problem) {
  if (problem.status === 0) return "The page tries again by itself; what it shows is as it was.";
  if (problem.status !== 503) return "";
  return ["Counting waits and loses nothing. What the page shows is as it was; it goes on by itself. ", h("small", problem.detail ?? problem.message)];
}
