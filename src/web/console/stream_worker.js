// Holds the stream for all windows of a browser.

import { Stream } from "./stream.js";

const seen = new Set();
let stream = null;

addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = ({ data: { address, isSeen } }) => {
    stream ??= new Stream(address, (kind) => { for (const one of seen) one.postMessage(kind); });
    if (isSeen) seen.add(port); else seen.delete(port);
    if (seen.size > 0) stream.open(); else stream.close();
  };
});
