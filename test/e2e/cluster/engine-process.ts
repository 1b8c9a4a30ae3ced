import { setTimeout as sleep } from "node:timers/promises";
import type { GenerationRequest, TextGenerator } from "../../../local/engine/generator.ts";
import { startEngine } from "../../../local/engine/server.ts";

const [model = "", port = "0", tokenMs = "0", drainMs = "0"] = process.argv.slice(2);

/** Says one numbered word per interval until the limit, as a slow model would. */
const metronome: TextGenerator = {
  model,
  kind: "stand-in",
  countTokens: (text) => text.split(" ").length,
  async *generate({ maxTokens, signal }: GenerationRequest): AsyncGenerator<string, void> {
    for (let token = 0; token < maxTokens; token += 1) {
      await sleep(Number(tokenMs), undefined, { signal });
      yield `${token} `;
    }
  },
  close: () => Promise.resolve(),
};

const engine = await startEngine(metronome, {
  port: Number(port),
  maxRunning: 64,
  drainMs: Number(drainMs),
});
process.once("SIGTERM", () => {
  void engine.close().then(() => process.exit(0));
});
