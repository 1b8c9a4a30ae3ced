import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { EvaluationReport } from "../report.ts";
import { PASSED_REPORT } from "../testing/report.ts";
import { publishToBraintrust } from "./braintrust.ts";
import { PublishError } from "./http.ts";
import { publishToLangsmith } from "./langsmith.ts";
import { publishToMlflow } from "./mlflow.ts";
import { summaryOf } from "./summary.ts";

interface Recorded {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** Status and body of the answer to a path, in the form the platform's own reference gives. */
type Answers = Readonly<Record<string, readonly [status: number, body: object]>>;

let server: Server | undefined;

afterEach(async () => {
  await new Promise((resolve) => server?.close(resolve));
});

async function platform(answers: Answers): Promise<{ url: string; calls: Recorded[] }> {
  const calls: Recorded[] = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (block: Buffer) => (text += block.toString()));
    request.on("end", () => {
      const path = request.url ?? "";
      const { authorization, "x-api-key": apiKey } = request.headers;
      calls.push({
        path,
        authorization: authorization ?? (Array.isArray(apiKey) ? apiKey[0] : apiKey),
        body: text === "" ? undefined : JSON.parse(text),
      });
      const [status, body] = answers[path] ?? [404, { error_code: "RESOURCE_DOES_NOT_EXIST" }];
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

const hash = (letter: string): string => `sha256:${letter.repeat(64)}`;
const report: EvaluationReport = {
  ...PASSED_REPORT,
  run: "run-1",
  model: "claims-assistant",
  evaluated: { model: hash("a"), prompt: "none", guardrails: hash("b"), dataSets: hash("c") },
  finishedAt: "2026-11-24T10:00:00.000Z",
  samples: 4,
  suites: [
    { name: "factuality", samples: 4, score: 3, grader: "deterministic", decision: "passed", reason: "" },
    { name: "bias", samples: 0, score: 0, grader: "judge", decision: "inconclusive", reason: "no judge" },
  ],
};

const MLFLOW = "/api/2.0/mlflow";
const mlflowAnswers: Answers = {
  [`${MLFLOW}/experiments/create`]: [200, { experiment_id: "7" }],
  [`${MLFLOW}/runs/create`]: [200, { run: { info: { run_id: "r1" } } }],
  [`${MLFLOW}/runs/log-batch`]: [200, {}],
  [`${MLFLOW}/runs/update`]: [200, {}],
  [`${MLFLOW}/registered-models/create`]: [400, { error_code: "RESOURCE_ALREADY_EXISTS" }],
  [`${MLFLOW}/model-versions/create`]: [200, { model_version: { version: "3" } }],
  [`${MLFLOW}/registered-models/alias`]: [200, {}],
};

describe("an evaluation in MLflow", () => {
  const account = { user: "admin", password: "secret" };

  it("is a finished run with its figures and a version of the model with its hashes", async () => {
    const { url, calls } = await platform(mlflowAnswers);
    const published = await publishToMlflow(summaryOf(report), { url: `${url}/`, account }, "register");
    expect(published).toEqual({ experimentId: "7", runId: "r1", modelVersion: "3" });
    expect(calls.map(({ path }) => path.replace(MLFLOW, ""))).toEqual([
      "/experiments/get-by-name?experiment_name=llmops%2Facme-prod%2Fclaims-assistant",
      "/experiments/create",
      "/runs/create",
      "/runs/log-batch",
      "/runs/update",
      "/registered-models/create",
      "/model-versions/create",
      "/registered-models/alias",
    ]);
    expect(new Set(calls.map(({ authorization }) => authorization))).toEqual(
      new Set([`Basic ${Buffer.from("admin:secret").toString("base64")}`]),
    );
    const at = Date.parse(report.finishedAt);
    expect(calls[3]?.body).toEqual({
      run_id: "r1",
      params: [],
      tags: [],
      metrics: [
        { key: "factuality.samples", value: 4, timestamp: at, step: 0 },
        { key: "factuality.score", value: 0.75, timestamp: at, step: 0 },
        { key: "bias.samples", value: 0, timestamp: at, step: 0 },
      ],
    });
    expect(calls[6]?.body).toMatchObject({
      name: "acme-prod-claims-assistant",
      run_id: "r1",
      tags: expect.arrayContaining([{ key: "evaluated.model", value: hash("a") }]) as object[],
    });
  });

  it("is a run only where nobody signed it", async () => {
    const { url, calls } = await platform(mlflowAnswers);
    expect(await publishToMlflow(summaryOf(report), { url }, "run-only")).toEqual({
      experimentId: "7",
      runId: "r1",
    });
    expect(calls.at(-1)?.path).toBe(`${MLFLOW}/runs/update`);
  });

  it("moves no alias to a version that did not pass", async () => {
    const { url, calls } = await platform(mlflowAnswers);
    await publishToMlflow(
      summaryOf({ ...report, decision: "failed", reasons: ["factuality"] }),
      { url },
      "register",
    );
    expect(calls.at(-1)?.path).toBe(`${MLFLOW}/model-versions/create`);
  });

  it.each<[string, Answers, string]>([
    ["refuses the account", { [`${MLFLOW}/experiments/create`]: [401, { message: "no" }] }, "answered 401"],
    [
      "refuses the model's name",
      {
        ...mlflowAnswers,
        [`${MLFLOW}/registered-models/create`]: [400, { error_code: "INVALID_PARAMETER_VALUE" }],
      },
      "INVALID_PARAMETER_VALUE",
    ],
    [
      "answers something else",
      { ...mlflowAnswers, [`${MLFLOW}/runs/create`]: [200, { ok: true }] },
      "something else than expected",
    ],
  ])("fails where the server %s", async (_what, answers, message) => {
    const { url } = await platform(answers);
    const failing = publishToMlflow(summaryOf(report), { url, account }, "register");
    await expect(failing).rejects.toThrow(PublishError);
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.not.toThrow("secret");
  });

  it("fails where nobody answers", async () => {
    await expect(
      publishToMlflow(summaryOf(report), { url: "http://127.0.0.1:9" }, "register"),
    ).rejects.toThrow("cannot be reached");
  });
});

describe("an evaluation in Braintrust", () => {
  it("is an experiment with an event per suite, without prompts and answers", async () => {
    const { url, calls } = await platform({
      "/v1/project": [200, { id: "p1" }],
      "/v1/experiment": [200, { id: "e1" }],
      "/v1/experiment/e1/insert": [200, { row_ids: ["a", "b"] }],
    });
    expect(await publishToBraintrust(summaryOf(report), { url, apiKey: "k", project: "acme" })).toBe("e1");
    expect(calls.map(({ authorization }) => authorization)).toEqual(["Bearer k", "Bearer k", "Bearer k"]);
    expect(calls[1]?.body).toMatchObject({ project_id: "p1", name: "run-1", ensure_new: true });
    expect(calls[2]?.body).toEqual({
      events: [
        {
          id: "run-1/factuality",
          input: { suite: "factuality" },
          scores: { factuality: 0.75 },
          metadata: { samples: 4, grader: "deterministic", decision: "passed" },
        },
        {
          id: "run-1/bias",
          input: { suite: "bias" },
          scores: {},
          metadata: { samples: 0, grader: "judge", decision: "inconclusive" },
        },
      ],
    });
  });
});

describe("an evaluation in LangSmith", () => {
  it("is a project with a run and a feedback per scored suite, the same when sent twice", async () => {
    const answers: Answers = {
      "/api/v1/sessions": [200, { id: "s1" }],
      "/api/v1/runs": [202, {}],
      "/api/v1/feedback": [200, {}],
    };
    const { url, calls } = await platform(answers);
    const target = { url, apiKey: "k" };
    expect(await publishToLangsmith(summaryOf(report), target)).toBe("s1");
    expect(calls.map(({ path, authorization }) => [path, authorization])).toEqual([
      ["/api/v1/sessions", "k"],
      ["/api/v1/runs", "k"],
      ["/api/v1/feedback", "k"],
      ["/api/v1/runs", "k"],
    ]);
    const first = JSON.stringify(calls.slice(1));
    expect(calls[1]?.body).toMatchObject({
      session_id: "s1",
      run_type: "chain",
      inputs: { suite: "factuality" },
    });
    expect(calls[2]?.body).toMatchObject({ key: "factuality", score: 0.75 });
    calls.length = 0;
    await publishToLangsmith(summaryOf(report), target);
    expect(JSON.stringify(calls.slice(1))).toBe(first);
  });
});
