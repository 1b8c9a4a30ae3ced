import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataSetError } from "../case.ts";
import { readDataSets } from "../data-sets.ts";
import { scriptedEmbedding, vectors, type ScriptedEmbedding } from "../testing/embedding.ts";
import { answeredSpan } from "../testing/spans.ts";
import { ClusterConfigError, onlineConfig } from "./config.ts";
import { onlineFrom } from "./online.ts";

const SUITES = ["coherence", "relevance"];
const { cases, digest } = readDataSets(SUITES);
const QUESTIONS = cases.flatMap(({ questions }) => questions);

let gateway: ScriptedEmbedding;
let folder = "";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "llmops-online-"));
  writeFileSync(join(folder, "key"), "key\n");
  gateway = await scriptedEmbedding(({ path, input }) =>
    path === "/v1/embeddings"
      ? vectors(input.map((text) => (text.startsWith("When do you open?") ? [0, 1] : [1, 0])))
      : {
          choices: [{ message: { content: '{"reason": "", "verdict": "good"}' } }],
          usage: { prompt_tokens: 10, completion_tokens: 5 },
        },
  );
});

afterEach(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const distance = {
  model: "embedder",
  share: 1,
  maxPerDay: 10,
  dataSets: "evals/data",
  suites: SUITES,
  digest,
};
const config = (change: object = {}): unknown => ({
  gateway: gateway.url,
  keyFile: join(folder, "key"),
  port: 8080,
  share: 1,
  models: ["claims"],
  judge: { model: "judge", prompt: "1", maxTokens: 200 },
  maxPerDay: 10,
  ...change,
});

/** Sends one answered question to the program, and reads its metrics once they hold a line. */
async function metricsAfterOne(change: object, line: string): Promise<string> {
  const { server, close } = onlineFrom(onlineConfig(config(change)), (message) => {
    throw new Error(message);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = { "content-type": "application/json", connection: "close" };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [answeredSpan()] }] }] });
  await fetch(`${url}/v1/traces`, { method: "POST", headers, body });
  try {
    for (;;) {
      const page = await (await fetch(`${url}/metrics`, { headers: { connection: "close" } })).text();
      if (page.includes(line)) return page;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    close();
    server.close();
  }
}

describe("the evaluation of live answers in the cluster", () => {
  it("measures a prompt from the questions of the pinned data sets, beside judging the answer", async () => {
    const page = await metricsAfterOne(
      { distance },
      'llmops_eval_embedding_distance_count{model="claims"} 1',
    );
    // The question is across from all of the reference.
    expect(page).toContain('llmops_eval_embedding_distance_sum{model="claims"} 1');
    const embedded = gateway.requests.filter(({ path }) => path === "/v1/embeddings");
    expect(embedded.slice(0, -1).flatMap(({ input }) => input)).toEqual(QUESTIONS);
    expect(embedded.at(-1)?.input).toEqual(["When do you open? My IBAN is [iban]."]);
    expect(new Set(embedded.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer key"]));
  });

  it("measures nothing where the configuration has no embedding model", async () => {
    const page = await metricsAfterOne({}, 'llmops_eval_score_count{model="claims"} 1');
    expect(page).not.toContain("llmops_eval_embedding_distance_count");
    expect(gateway.requests.filter(({ path }) => path === "/v1/embeddings")).toEqual([]);
  });

  const started = (change: object): unknown =>
    onlineFrom(onlineConfig(config({ distance: { ...distance, ...change } })), () => undefined);

  it("does not start with a reference other than the one that is configured", () => {
    const other = `sha256:${"0".repeat(64)}`;
    expect(() => started({ digest: other })).toThrow(ClusterConfigError);
    expect(() => started({ digest: other })).toThrow(`the configuration is for ${other}`);
    expect(() => started({ suites: ["coherence"] })).toThrow(`evals/data of this image is sha256:`);
    expect(() => started({ suites: ["weather"] })).toThrow(DataSetError);
  });

  it.each([
    ["share", 2],
    ["suites", []],
    ["digest", "latest"],
    ["threshold", 0.2],
  ])("refuses distance.%s = %j", (key, value) => {
    expect(() => onlineConfig(config({ distance: { ...distance, [key]: value } }))).toThrow(
      ClusterConfigError,
    );
  });
});
