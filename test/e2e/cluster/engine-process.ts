import { setTimeout as sleep } from "node:timers/promises";
import type { GenerationRequest, TextGenerator } from "../../../local/engine/generator.ts";
import { startEngine } from "../../../local/engine/server.ts";

const [
  model = "",
  address = "127.0.0.1",
  port = "0",
  tokenMs = "0",
  drainMs = "0",
  slots = "64",
  longest = "4096",
] = process.argv.slice(2);

/** Says one numbered line per interval until the limit, as a slow model would; long, because guards hold some text back. */
const metronome: TextGenerator = {
  model,
  kind: "stand-in",
  countTokens: (text) => text.split(" ").length,
  async *generate({ maxTokens, signal }: GenerationRequest): AsyncGenerator<string, void> {
    const started = performance.now();
    for (let token = 0; token < Math.min(maxTokens, Number(longest)); token += 1) {
      // Against the clock, so that a busy machine does not stretch the answer.
      const due = started + (token + 1) * Number(tokenMs);
      await sleep(Math.max(0, due - performance.now()), undefined, { signal });
      yield `line ${token} of a long answer that goes on until its last token has been said. `;
    }
  },
  close: () => Promise.resolve(),
};

const engine = await startEngine(metronome, {
  address,
  port: Number(port),
  maxRunning: Number(slots),
  drainMs: Number(drainMs),
});
process.once("SIGTERM", () => {
  void engine.close().then(() => process.exit(0));
});
