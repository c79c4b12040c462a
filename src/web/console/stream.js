// The stream of changes. Under HTTP/1.1 a browser opens six connections to the bridge for all of its
// windows together, and each stream keeps one: so all windows share one, and none where none is seen.

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60000;

// Tells "changed" and "lost". It comes back by itself, after longer and longer pauses; what has changed
// meanwhile counts as a change.
export class Stream {
  constructor(address, tell) {
    this.address = address;
    this.tell = tell;
    this.source = null;
    this.again = 0;
    this.pause = FIRST_PAUSE;
    this.isFirst = true;
  }

  open() {
    if (this.source || this.again) return;
    const source = new EventSource(this.address);
    this.source = source;
    for (const kind of ["control", "reset"]) source.addEventListener(kind, () => this.tell("changed"));
    source.addEventListener("ready", () => {
      this.pause = FIRST_PAUSE;
      if (!this.isFirst) this.tell("changed");
      this.isFirst = false;
    });
    source.addEventListener("error", () => {
      // After an answer like 502 the browser would not come again.
      source.close();
      this.source = null;
      const wait = this.pause * (0.75 + Math.random() / 2);
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
      this.again = setTimeout(() => { this.again = 0; this.open(); }, wait);
      this.isFirst = false;
      this.tell("lost");
    });
  }

  close() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.again);
    this.again = 0;
    this.pause = FIRST_PAUSE;
  }
}

// What holds the stream for all windows, and is told whether this one is seen; null where there is no
// such thing (phones), or it is not allowed.
function shared(who, told) {
  if (!globalThis.SharedWorker) return null;
  try {
    // Of each person one: what somebody else may see is nothing to them.
    const worker = new SharedWorker(new URL("./stream_worker.js", import.meta.url), { type: "module", name: who });
    worker.port.onmessage = ({ data }) => told(data);
    return worker;
  } catch {
    return null;
  }
}

// Listens while the page is seen. `who` reads it; `told` has what to do, by what is told.
export function listen(address, who, told) {
  const tell = (kind) => told[kind]();
  let stream = null;
  const alone = (isSeen) => {
    stream ??= new Stream(address, tell);
    if (isSeen) stream.open(); else stream.close();
  };
  const worker = shared(who, tell);
  let follow = worker ? (isSeen) => worker.port.postMessage({ address, isSeen }) : alone;
  if (worker) {
    worker.onerror = () => { follow = alone; alone(!document.hidden); };
  }
  document.addEventListener("visibilitychange", () => follow(!document.hidden));
  // Left, it may be kept for Back.
  addEventListener("pagehide", () => follow(false));
  addEventListener("pageshow", () => follow(!document.hidden));
  follow(!document.hidden);
}
