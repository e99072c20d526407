// The stream of server-sent events, read by fetch: EventSource cannot send a token.
import { ask, query } from "./api.js";

const first = 1000; // ms, of the pause before another try; each is twice as long as the last
const longest = 8000;
const silence = 20_000; // ms: there is a comment every 15 s

// Stream calls back for what comes: event(name, data), state("live" | "away"), refused(problem) once a token is wanted. It goes on after
// a pause where it was.
export class Stream {
  constructor(on) {
    this.on = on;
    this.last = "";
    this.turn = null;
  }

  stop() {
    this.turn = null;
    this.controller?.abort();
  }

  // start reads until stop, connection after connection.
  async start() {
    const turn = (this.turn = {});
    for (let pause = first; this.turn === turn; pause = Math.min(2 * pause, longest)) {
      const controller = (this.controller = new AbortController());
      try {
        await this.read(controller, () => (pause = first));
      } catch (error) {
        if (this.turn !== turn) return;
        if (error.status === 401) return this.on.refused(error);
        if (error.status === 400) this.last = ""; // the topic was made anew
      }
      controller.abort();
      if (this.turn !== turn) return;
      this.on.state("away");
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async read(controller, connected) {
    const response = await ask(query("api/v1/stream"), { signal: controller.signal, headers: this.last ? { "Last-Event-ID": this.last } : {} });
    connected();
    this.on.state("live");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { done, value } = await inTime(reader.read(), silence);
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      blocks.forEach((block) => this.take(block));
    }
  }

  take(block) {
    let name = "";
    let data = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("id: ")) this.last = line.slice(4);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (name) this.on.event(name, JSON.parse(data));
  }
}

// inTime fails a promise that takes longer than some ms.
function inTime(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("silent")), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
