#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { onlineConfig } from "../cluster/config.ts";
import { OnlineEvaluator } from "../online/evaluator.ts";
import { onlineMetrics } from "../online/metrics.ts";
import { onlineServer } from "../online/server.ts";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: online <configuration file>\n");
  process.exit(2);
}
const config = onlineConfig(JSON.parse(readFileSync(file, "utf8")));
const metrics = onlineMetrics();
const { model, prompt, maxTokens } = config.judge;
const evaluator = new OnlineEvaluator({
  share: config.share,
  models: config.models,
  judge: {
    target: {
      baseUrl: config.gateway,
      apiKey: readFileSync(config.keyFile, "utf8").trim(),
      model,
      maxTokens,
    },
    prompt,
  },
  maxPerDay: config.maxPerDay,
  metrics,
});
const server = onlineServer(evaluator, metrics).listen(config.port, "0.0.0.0");
process.once("SIGTERM", () => {
  evaluator.close();
  server.close();
});
