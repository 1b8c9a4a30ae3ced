import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DATA_LOCK, fileDigest, readDataSets } from "../../evals/data-sets.ts";
import { onlineConfig } from "../../evals/cluster/config.ts";
import { onlineFrom } from "../../evals/cluster/online.ts";
import { asked } from "../../evals/testing/spans.ts";
import { APP_KEY, gatewayUnderTest } from "../../gateway/src/testing/gateway-under-test.ts";
import { embedded } from "../../local/engine/embedded.ts";
import { startEngine } from "../../local/engine/server.ts";
import { installedModel } from "../../local/model/paths.ts";
import { DISTANCE_EDGES } from "../../monitoring/metrics.ts";
import { readPipeline, DEFAULT_PIPELINE } from "../../stacks/schema/pipeline-file.ts";
import { runCommand } from "../../tools/run-command.ts";

const CLAIMS = {
  ask: [
    "How do I report %?",
    "Which papers do you need for %?",
    "How long does the decision about % take?",
    "Does my policy cover %?",
    "Who pays the expert after %?",
    "Why was my claim about % refused?",
    "Can I appeal the decision about %?",
    "What is the excess for %?",
    "Is % covered abroad?",
    "When will I be paid for %?",
  ],
  about: [
    "a broken window",
    "water damage in the kitchen",
    "a stolen bicycle",
    "a car accident",
    "storm damage to the roof",
    "a hospital stay",
    "a burnt carpet",
    "lost luggage",
    "a broken leg",
    "hail on my car",
    "a burst pipe",
    "a burglary",
    "damage by my dog",
    "a cancelled journey",
    "a cracked screen",
    "a fallen tree",
    "a flooded cellar",
    "a dental treatment",
    "a short circuit",
    "a damaged fence",
  ],
};

/** Questions in the same forms, about something else. */
const PROGRAMS = {
  ask: [
    "How do I sort % in Python?",
    "Which error does my code about % raise?",
    "How long does a lookup in % take?",
    "Does JavaScript have %?",
    "Who frees the memory of %?",
    "Why was my test of % skipped?",
    "Can I refactor the class that holds %?",
    "What is the type of %?",
    "Is % faster in Rust?",
    "When will the loop over % end?",
  ],
  about: [
    "a linked list",
    "a binary tree",
    "a hash table",
    "a matrix",
    "a stack of integers",
    "a graph",
    "a queue",
    "a string buffer",
    "an array of floats",
    "a JSON document",
    "a priority heap",
    "a set of tuples",
    "a database cursor",
    "a thread pool",
    "a file handle",
    "a bitmap",
    "a socket",
    "a cache",
    "a log file",
    "a date range",
  ],
};

/** Every question of a topic, in a mixed order that is always the same. */
function questionsOf({ ask, about }: typeof CLAIMS): string[] {
  const all = ask.flatMap((question) => about.map((thing) => question.replace("%", thing)));
  return all.map((_, index) => all[(index * 67) % all.length] ?? "");
}

const folder = mkdtempSync(join(tmpdir(), "llmops-distance-"));

beforeAll(async () => {
  await runCommand("npm", ["run", "model:install"]);
}, 600_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Writes a pinned data set of questions. */
function dataSet(questions: readonly string[]): void {
  const text = questions
    .map((question, index) =>
      JSON.stringify({
        id: `claims-${index + 1}`,
        suite: "claims",
        questions: [question],
        grader: { kind: "coherent" },
      }),
    )
    .join("\n");
  writeFileSync(join(folder, "claims.jsonl"), text);
  const pin = { sha256: fileDigest(text), cases: questions.length, licence: "0BSD" };
  writeFileSync(
    join(folder, DATA_LOCK),
    JSON.stringify({ claims: { ...pin, origin: "this test", personalData: "none" } }),
  );
}

/** Counts up to each edge, from the exposition. */
function countsIn(page: string): number[] {
  return [...DISTANCE_EDGES, "+Inf"].map((edge) => {
    const line = `llmops_eval_embedding_distance_bucket{le="${edge}",model="claims"} `;
    const found = page.split("\n").find((each) => each.startsWith(line));
    return Number(found?.slice(line.length) ?? 0);
  });
}

/** The largest difference of cumulative shares, as the detector's rule has it. */
function ks(a: readonly number[], b: readonly number[]): number {
  const [totalA = 0, totalB = 0] = [a.at(-1), b.at(-1)];
  return Math.max(...a.map((count, at) => Math.abs(count / totalA - (b[at] ?? 0) / totalB)));
}

it("a real model's vectors tell a moved topic from the same one, through a real gateway", async () => {
  const model = installedModel();
  if (model === undefined) throw new Error("the installer left no model");
  const engine = await startEngine(await embedded(model), { maxRunning: 1 });
  const { gateway, ...under } = await gatewayUnderTest([engine], (config) => ({
    ...config,
    upstreams: config.upstreams.map((upstream) => ({
      ...upstream,
      endpoints: ["/v1/embeddings"],
      firstByteMs: 120_000,
      idleMs: 120_000,
    })),
    models: config.models.map((each) => ({
      ...each,
      endpoints: ["/v1/embeddings"],
      routes: [{ upstream: "engine-0", model: engine.model }],
    })),
    clients: config.clients.map((client) => ({
      ...client,
      endpoints: ["/v1/embeddings"],
      requestsPerMinute: 100_000,
      tokensPerMinute: 100_000_000,
    })),
  }));
  const claims = questionsOf(CLAIMS);
  const [reference, week, hour] = [claims.slice(0, 24), claims.slice(24, 84), claims.slice(84, 144)];
  const other = questionsOf(PROGRAMS).slice(0, 40);
  dataSet(reference);
  writeFileSync(join(folder, "key"), APP_KEY);
  const { server, close } = onlineFrom(
    onlineConfig({
      ...{ gateway: gateway.url, keyFile: join(folder, "key"), port: 1, models: ["claims"] },
      // Only distances: no answer is judged.
      ...{ share: 0, maxPerDay: 1, judge: { model: "judge", prompt: "1", maxTokens: 1 } },
      distance: {
        ...{ model: "small", share: 1, maxPerDay: 1_000, dataSets: folder, suites: ["claims"] },
        digest: readDataSets(["claims"], folder).digest,
      },
    }),
    (message) => {
      throw new Error(message);
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = { "content-type": "application/json", connection: "close" };
  let measured = 0;
  let before = countsIn("");
  /** What prompts add to the histogram. */
  const distancesOf = async (prompts: readonly string[]): Promise<number[]> => {
    const spans = prompts.map((prompt) => asked(prompt));
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    await fetch(`${url}/v1/traces`, { method: "POST", headers, body });
    measured += prompts.length;
    for (;;) {
      const page = await (await fetch(`${url}/metrics`, { headers: { connection: "close" } })).text();
      const now = countsIn(page);
      if (now.at(-1) === measured) {
        const added = now.map((count, at) => count - (before[at] ?? 0));
        before = now;
        return added;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  try {
    const usual = await distancesOf(week);
    const same = ks(usual, await distancesOf(hour));
    const moved = ks(usual, await distancesOf(other));
    process.stderr.write(
      `distance of distributions: same topic ${same.toFixed(3)}, moved ${moved.toFixed(3)}\n`,
    );
    const shipped = readPipeline(DEFAULT_PIPELINE);
    const detector = shipped.kind === "valid" ? shipped.pipeline.drift.signals.embedding_distance : undefined;
    expect(detector?.detector).toBe("ks");
    expect(same).toBeLessThan(detector?.threshold ?? NaN);
    expect(moved).toBeGreaterThan(detector?.threshold ?? NaN);

    const written = await under.records();
    const requests = 1 + week.length + hour.length + other.length;
    expect(written.filter(({ kind }) => kind === "intent")).toHaveLength(requests);
    expect(written.filter((each) => each.kind === "outcome" && each.result === "completed")).toHaveLength(
      requests,
    );
  } finally {
    close();
    server.close();
    await engine.close();
  }
}, 600_000);
