import { spawn, type ChildProcess } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run as cli } from "../../cli/testing/run.ts";
import { LABELING_INTERFACE, type LabelStudioTask } from "../../evals/labels/label-studio.ts";
import { parseLabels } from "../../evals/labels/labels.ts";
import { readDataSets } from "../../evals/data-sets.ts";
import { storedRun } from "../../evals/testing/judging.ts";
import { makeOnce } from "../../tools/make-once.ts";
import { ensurePythonTool, LABEL_STUDIO } from "../../tools/python-tool.ts";
import { runCommand } from "../../tools/run-command.ts";
import { freePort } from "./cluster/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-label-studio-"));
const at = (name: string): string => join(folder, name);
const TOKEN = "0123456789abcdef0123456789abcdef01234567";
const START_MS = 300_000;
const QUIET = { COLLECT_ANALYTICS: "False", LATEST_VERSION_CHECK: "False" };

let server: ChildProcess;
let url = "";

/** Folder with an empty database, its tables made once and kept beside the program: that takes a minute of processor time. */
async function emptyDatabase(bin: string): Promise<string> {
  const kept = join(dirname(bin), "empty-database");
  await makeOnce(
    `${kept}.lock`,
    () => existsSync(kept),
    async () => {
      const fresh = mkdtempSync(`${kept}-`);
      const [manage] = globSync(join(dirname(bin), "lib/*/site-packages/label_studio/manage.py"));
      if (manage === undefined) throw new Error(`no manage.py of Label Studio below ${dirname(bin)}`);
      const settings = { ...QUIET, LABEL_STUDIO_BASE_DATA_DIR: fresh };
      const environment = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
      await runCommand("env", [...environment, join(bin, "python"), manage, "migrate"]);
      renameSync(fresh, kept);
    },
  );
  return kept;
}

beforeAll(async () => {
  const bin = await ensurePythonTool(LABEL_STUDIO);
  cpSync(await emptyDatabase(bin), at("data"), { recursive: true });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  server = spawn(
    join(bin, "label-studio"),
    ["start", "--no-browser", "--port", String(port), "--internal-host", "127.0.0.1"],
    {
      cwd: folder,
      stdio: "ignore",
      detached: true,
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        LABEL_STUDIO_BASE_DATA_DIR: at("data"),
        LABEL_STUDIO_USERNAME: "first@example.com",
        LABEL_STUDIO_PASSWORD: "first-password",
        LABEL_STUDIO_USER_TOKEN: TOKEN,
        LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN: "true",
        ...QUIET,
      },
    },
  );
  const ends = Date.now() + START_MS;
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isUp())) {
    if (Date.now() > ends || server.exitCode !== null)
      throw new Error("Label Studio did not start in five minutes");
    await setTimeout(1_000);
  }
});

afterAll(() => {
  // The server has workers; the group ends with them.
  if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, "SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

async function call<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Token ${TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 400)}`);
  return JSON.parse(text) as T;
}

interface Exported {
  readonly id: number;
  readonly data: LabelStudioTask["data"];
}

it("tasks go into a real server, are labelled there by two people, and come back as labels with their agreement", async () => {
  const { cases } = readDataSets(["usefulness"]);
  const runFolder = storedRun(cases, ({ id }) => `An answer to ${id}, from ana@example.com.`);
  const exported = await cli([
    "eval",
    "labels",
    "export",
    runFolder,
    "--out",
    at("tasks.json"),
    "--interface",
    at("interface.xml"),
  ]);
  expect([exported.code, exported.err]).toEqual([
    0,
    `wrote ${at("tasks.json")}\nwrote ${at("interface.xml")}\n`,
  ]);
  expect(readFileSync(at("interface.xml"), "utf8")).toBe(LABELING_INTERFACE);
  const tasks = JSON.parse(readFileSync(at("tasks.json"), "utf8")) as LabelStudioTask[];
  expect(tasks).toHaveLength(24);

  const project = await call<{ id: number }>("POST", "/api/projects", {
    title: "Answers",
    label_config: readFileSync(at("interface.xml"), "utf8"),
    maximum_annotations: 2,
  });
  const imported = await call<{ task_count: number }>("POST", `/api/projects/${project.id}/import`, tasks);
  expect(imported.task_count).toBe(24);

  const second = await call<{ id: number }>("POST", "/api/users", {
    email: "second@example.com",
    username: "second",
    password: "second-password",
  });
  const me = await call<{ id: number }>("GET", "/api/current-user/whoami");
  const listed = await call<Exported[]>("GET", `/api/projects/${project.id}/tasks?page_size=100`);
  for (const [index, { id }] of listed.entries()) {
    const choose = (choice: string, person: number): Promise<unknown> =>
      call("POST", `/api/tasks/${id}/annotations`, {
        completed_by: person,
        result: [{ from_name: "verdict", to_name: "answer", type: "choices", value: { choices: [choice] } }],
      });
    const verdict = index % 2 === 0 ? "good" : "bad";
    await choose(verdict, me.id);
    // The second person sees the last four the other way.
    await choose(index < 20 ? verdict : verdict === "good" ? "bad" : "good", second.id);
  }

  const back = await call<unknown>("GET", `/api/projects/${project.id}/export?exportType=JSON`);
  writeFileSync(at("export.json"), JSON.stringify(back));
  const labelled = await cli([
    "eval",
    "labels",
    "import",
    runFolder,
    at("export.json"),
    "--out",
    at("labels.jsonl"),
  ]);
  expect([labelled.code, labelled.err, labelled.out]).toEqual([
    0,
    `wrote ${at("labels.jsonl")}\n`,
    "24 answers, 48 reviews\n",
  ]);
  const text = readFileSync(at("labels.jsonl"), "utf8");
  expect(text).not.toMatch(/@example\.com/);
  const labels = parseLabels("labels.jsonl", text);
  expect(new Set(labels.flatMap(({ reviews }) => reviews.map(({ reviewer }) => reviewer)))).toEqual(
    new Set([`ls-${me.id}`, `ls-${second.id}`]),
  );
  const agreement = await cli(["eval", "labels", "agreement", at("labels.jsonl"), "--json"]);
  // 20 of 24 pairs agree, the two verdicts are as frequent: alpha = 1 - (4 / 24) / (2 * 24 * 24 / (48 * 47)).
  const found = JSON.parse(agreement.out) as { answers: number; reviewedTwice: number; alpha: number };
  expect([found.answers, found.reviewedTwice]).toEqual([24, 24]);
  expect(found.alpha).toBeCloseTo(1 - 4 / 24 / ((2 * 24 * 24) / (48 * 47)), 9);
  // Just enough to measure a judge by.
  expect(agreement.code).toBe(0);
  rmSync(runFolder, { recursive: true });
}, 600_000);
